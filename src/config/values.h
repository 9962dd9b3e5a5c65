#pragma once
// Shapes of the single values ecluse.yml is made of: texts, numbers, durations, secrets, versions.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/shape.h"
#include "model/spec.h"

namespace ecluse::config {

/// What a text must look like. `check` answers why it does not fit, or nothing.
struct TextRule {
  std::string expected;
  std::string pattern;  ///< for the JSON Schema; at least as wide as `check`
  std::function<std::optional<Wrong>(std::string_view)> check;
  bool may_be_empty = false;
};

Shape<std::string> text(TextRule rule);
Shape<bool> boolean();
Shape<int> whole(int min, int max);
Shape<std::uint16_t> port_number();
Shape<std::uint32_t> whole32(std::uint32_t min, std::uint32_t max);
Shape<double> decimal(double min, double max);
Shape<double> share();
Shape<Duration> duration(Duration min, Duration max);
Shape<std::uint64_t> size(std::uint64_t min, std::uint64_t max);
Shape<std::string> version();
Shape<model::EnvValue> env_value();

/// "SECRET_KEY" of `secret:SECRET_KEY`; the whole must be a name fit for a variable.
bool is_variable_name(std::string_view text);
bool looks_like_version(std::string_view text);

TextRule command_rule();           ///< anything a shell takes, on one line or more
TextRule one_line_command_rule();  ///< what `exec` takes
TextRule folder_rule();            ///< inside the repository, no ".."
TextRule url_path_rule();          ///< "/health"
TextRule any_line_rule(std::string expected);
KeyRule name_key();
KeyRule variable_key();
KeyRule url_path_key();
KeyRule page_key();  ///< what a page of the app's own stands for

}  // namespace ecluse::config
