#include "os/desk.h"

#include <cerrno>
#include <cstdlib>

namespace ecluse::os {

Result<Desk> Desk::make(const std::filesystem::path& in) {
  std::error_code error;
  std::filesystem::create_directories(in, error);
  auto name = (in / "XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr)
    return fail(from_errno(errno, "making a folder in " + in.string()));
  return Desk(name);
}

Desk::~Desk() {
  std::error_code left;  // costs space until the next start, which clears the folder
  if (!path_.empty()) std::filesystem::remove_all(path_, left);
}

}  // namespace ecluse::os
