#pragma once
// docs/rules.md: a page of every rule, written from the rules themselves.

#include <string>

namespace ecluse::preflight {

/// Markdown, by family and id. Pure.
std::string rules_manual();

}  // namespace ecluse::preflight
