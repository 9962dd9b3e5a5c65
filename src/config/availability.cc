#include <fmt/format.h>

#include <algorithm>

#include "config/parse.h"
#include "config/table.h"

namespace ecluse::config {

namespace {

Diagnostic note(const Use& use) {
  return {.message = fmt::format("`{}` is not available yet: {}", use.path, use.what),
          .severity = Severity::kNote};
}

Uses uses_of(const model::EnvironmentSpec& environment) {
  Uses uses;
  environment_shape().later(environment, "", uses);
  return uses;
}

}  // namespace

std::vector<Diagnostic> not_available_yet(const model::EnvironmentSpec& environment) {
  std::vector<Diagnostic> notes;
  for (const auto& use : uses_of(environment)) notes.push_back(note(use));
  return notes;
}

std::vector<Diagnostic> not_available_yet(const Parsed& parsed) {
  std::vector<Diagnostic> notes;
  for (const auto& environment : parsed.spec.environments) {
    for (const auto& use : uses_of(environment)) {
      Diagnostic found = note(use);
      found.file = parsed.file;
      if (const Origin* origin = origin_of(parsed.origins.at(environment.name), use.path)) {
        found.line = origin->place.line;
        found.column = origin->place.column;
      }
      if (std::ranges::find(notes, found) == notes.end()) notes.push_back(std::move(found));
    }
  }
  std::ranges::stable_sort(notes, {}, [](const auto& d) { return Place{d.line, d.column}; });
  return notes;
}

}  // namespace ecluse::config
