#pragma once
// ecluse.yml, from text to model::AppSpec. Pure: no file is opened here, nothing is looked up.

#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/diagnostic.h"
#include "config/reader.h"
#include "model/spec.h"

namespace ecluse::config {

struct Parsed {
  model::AppSpec spec;
  std::vector<Diagnostic> warnings;
  std::string file;                        ///< as given to parse()
  std::map<std::string, Origins> origins;  ///< by environment: where each value was written
};

/// Reads and checks the whole file; every error of it is reported at once, in the order of the
/// lines. Never throws, whatever the bytes; the bounds are in tree.h. `file_name` is for messages.
tl::expected<Parsed, std::vector<Diagnostic>> parse(std::string_view text,
                                                    std::string_view file_name);

/// What the file asks for and nothing serves yet, as notes: say them wherever the file is used.
std::vector<Diagnostic> not_available_yet(const Parsed& parsed);
/// The same from a stored environment, without places.
std::vector<Diagnostic> not_available_yet(const model::EnvironmentSpec& environment);

/// The file with every default filled in, one complete record per environment, and behind each
/// value where it comes from. Parses to the same AppSpec.
std::string explain(const Parsed& parsed);

}  // namespace ecluse::config
