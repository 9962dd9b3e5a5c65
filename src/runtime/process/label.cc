#include "runtime/process/label.h"

#include <fmt/format.h>

namespace ecluse::runtime {

std::uint64_t label_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::string short_label(std::string_view text, int digits) {
  return fmt::format("{:016x}", label_hash(text)).substr(0, static_cast<std::size_t>(digits));
}

}  // namespace ecluse::runtime
