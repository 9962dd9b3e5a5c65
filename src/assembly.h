#pragma once
// The long-lived roles made of concrete adapters: the only place, with main.cc, that names them.

#include "cli/roles.h"

namespace ecluse {

cli::Roles assembled_roles();

}  // namespace ecluse
