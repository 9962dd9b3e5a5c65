#pragma once
#include <string>

namespace ecluse::os {

/// True when `person` is a member of the machine's group `group`, by /etc/group or as its own.
/// False when either does not exist. Thread-safe; may ask the name service.
bool is_member(const std::string& person, const std::string& group);

}  // namespace ecluse::os
