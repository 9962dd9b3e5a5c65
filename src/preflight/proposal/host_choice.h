#pragma once
// The names that an app's environments answer to. Pure.

#include <string_view>

#include "preflight/proposal/variable_read.h"

namespace ecluse::preflight {

/// Sets the hosts of `out`: names below localhost, unless Django's settings take others alone.
void choose_hosts(const Stack& stack, const std::vector<VariableRead>& reads, Proposal& out);

/// "ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS".
bool is_host_list(std::string_view variable);

}  // namespace ecluse::preflight
