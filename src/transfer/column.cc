#include "transfer/column.h"

namespace ecluse::transfer {

std::string identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += c;
    out += c;
  }
  return out + '"';
}

}  // namespace ecluse::transfer
