#include "base/unforeseen.h"

#include <string>

namespace ecluse {

Error unforeseen(const std::exception& thrown) {
  return {ErrorKind::kInternal, std::string("ecluse did not foresee this: ") + thrown.what(),
          "it is a mistake of ecluse: please report it"};
}

}  // namespace ecluse
