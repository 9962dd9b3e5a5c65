#include "preflight/proposal/python_version.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"

namespace ecluse::preflight {

namespace {

/// "3.9" of "python-3.9.18", "3.9-slim", "3.9.18"; "" of what names no minor version of Python 3.
std::string minor_of(std::string_view text) {
  const auto start = text.find("3.");
  if (start == std::string_view::npos) return {};
  const bool own = start == 0 || !std::isdigit(static_cast<unsigned char>(text[start - 1]));
  const auto digits = text.substr(start + 2);
  const auto end = std::min(digits.find_first_not_of("0123456789"), digits.size());
  return own && end > 0 && end < 3 ? "3." + std::string(digits.substr(0, end)) : std::string();
}

std::optional<Proven> of_file(const Repository& repository, const std::string& path) {
  const auto line = trim(repository.text(path).substr(0, repository.text(path).find('\n')));
  auto version = minor_of(line);
  if (version.empty()) return std::nullopt;
  return Proven{std::move(version), {path, {1, 1}, std::string(line)}};
}

/// `python_version = "3.9"` below [requires]
std::optional<Proven> of_pipfile(const Repository& repository, const std::string& root) {
  for (const auto& each : repository.manifests) {
    if (each.path != in_folder(root, "Pipfile")) continue;
    auto version = minor_of(each.python);
    if (!version.empty())
      return Proven{std::move(version), {each.path, each.python_place, "Python " + each.python}};
  }
  return std::nullopt;
}

/// `FROM python:3.9-slim`
std::optional<Proven> of_image(const Dockerfile& file) {
  for (auto stage = file.stages.rbegin(); stage != file.stages.rend(); ++stage) {
    const auto colon = stage->image.rfind(':');
    const auto name = stage->image.substr(0, colon);
    if (colon == std::string::npos || name.find("python") == std::string::npos) continue;
    auto version = minor_of(stage->image.substr(colon + 1));
    if (!version.empty())
      return Proven{std::move(version), {file.path, stage->place, "FROM " + stage->image}};
  }
  return std::nullopt;
}

/// Debian 12's, the oldest that we run on: every machine has it, or a newer one.
constexpr int kMinorEverywhere = 11;
constexpr int kMinorNone = 99;

/// The minor versions of Python 3 that a project takes.
struct Minors {
  int oldest = 0;
  int newest = kMinorNone;
};

/// Takes from `minors` what one part of "^3.10", "~=3.10.2", ">=3.9,<3.12" or "==3.11.*" excludes.
void keep_to(std::string_view part, Minors& minors) {
  const auto version = std::min(part.find_first_not_of("<>=!^~ "), part.size());
  const auto sign = trim(part.substr(0, version));
  part.remove_prefix(version);
  int minor = 0;
  if (!part.starts_with("3.") || sign == "!=") return;
  const auto [end, error] = std::from_chars(part.data() + 2, part.data() + part.size(), minor);
  if (error != std::errc{}) return;
  const bool patch = end != part.data() + part.size() && *end == '.';
  const bool held = sign == "~" || sign.empty() || sign.starts_with('=') || (sign == "~=" && patch);
  if (sign == "<") minors.newest = std::min(minors.newest, patch ? minor : minor - 1);
  if (sign == "<=" || held) minors.newest = std::min(minors.newest, minor);
  if (!sign.starts_with('<')) minors.oldest = std::max(minors.oldest, minor);
}

/// "3.13" of ">=3.13,<4" and "3.10" of "~3.10"; "" of what takes the machine's, and of what is more
/// than we understand.
std::string version_besides(std::string_view wanted) {
  if (wanted.find('|') != std::string_view::npos) return {};
  Minors minors;
  for (const auto& each : split(wanted, ',')) keep_to(trim(each), minors);
  if (minors.oldest > kMinorEverywhere) return "3." + std::to_string(minors.oldest);
  if (minors.newest < kMinorEverywhere) return "3." + std::to_string(minors.newest);
  return {};
}

}  // namespace

std::optional<Proven> demanded_python(const Repository& repository, const std::string& root) {
  for (const auto& each : repository.manifests) {
    if (each.path != in_folder(root, "pyproject.toml")) continue;
    auto version = version_besides(each.python);
    if (!version.empty())
      return Proven{std::move(version),
                    {each.path, each.python_place, "asks for Python " + each.python}};
  }
  return std::nullopt;
}

std::optional<Proven> preferred_python(const Repository& repository, const Stack& stack,
                                       const std::string& root) {
  for (const auto& folder : {root, std::string()})
    for (const auto* name : {".python-version", "runtime.txt"})
      if (auto found = of_file(repository, in_folder(folder, name))) return found;
  if (auto found = of_pipfile(repository, root)) return found;
  for (const auto* file : stack.dockerfiles)
    if (folder_of(file->path) == root)
      if (auto found = of_image(*file)) return found;
  for (const auto* file : stack.dockerfiles)
    if (auto found = of_image(*file); found && root.empty()) return found;
  return demanded_python(repository, root);
}

}  // namespace ecluse::preflight
