#pragma once
// The services that a repository needs, by what it declares and what it reads. Pure.

#include <string_view>

#include "preflight/proposal/variable_read.h"

namespace ecluse::preflight {

/// Fills `out.services`; for Prisma's SQLite a volume and the variable that names the file in it.
void propose_services(const Repository& repository, const Stack& stack,
                      const std::vector<VariableRead>& reads, Proposal& out);

/// Is this variable set by a service of `out`?
bool is_given_by_services(const Proposal& out, std::string_view name);

}  // namespace ecluse::preflight
