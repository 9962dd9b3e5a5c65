#pragma once
// What an instance runs each time it starts, line by line. Pure.

#include <functional>
#include <optional>
#include <string_view>

#include "preflight/rules/rule.h"

namespace ecluse::preflight {

/// The part of a line of shell that is asked for; nothing where it has none.
using Word = std::function<std::optional<std::string_view>(std::string_view)>;

/// What runs each time an instance starts: the image's start, compose commands, Procfile's web,
/// package.json's start.
Findings at_each_start(const Subject& subject, const Word& word);

}  // namespace ecluse::preflight
