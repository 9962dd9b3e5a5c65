#include "artifact/interpreter.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/text.h"
#include "os/subprocess.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

bool satisfies(std::string_view version, std::string_view wanted) {
  if (wanted.empty() || version == wanted) return true;
  return version.starts_with(wanted) && version[wanted.size()] == '.';
}

bool reachable_by_all(const fs::path& program) {
  std::error_code error;
  const fs::path real = fs::canonical(program, error);
  if (error) return false;
  struct stat status{};
  if (::stat(real.c_str(), &status) != 0 || (status.st_mode & 0005) != 0005) return false;
  for (fs::path folder = real.parent_path(); folder != folder.root_path();
       folder = folder.parent_path()) {
    if (::stat(folder.c_str(), &status) != 0 || (status.st_mode & 0001) == 0) return false;
  }
  return true;
}

namespace {
void add_pythons_of(const fs::path& folder, std::vector<fs::path>& programs) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const bool python = name.starts_with("python3") &&
                        name.find_first_not_of("0123456789.", 7) == std::string::npos;
    if (python) found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  programs.insert(programs.end(), found.begin(), found.end());
}

void add_pyenv(const fs::path& root, std::vector<fs::path>& programs) {
  std::error_code error;
  for (fs::directory_iterator at(root / "versions", error), end; !error && at != end;
       at.increment(error)) {
    programs.push_back(at->path() / "bin" / "python3");
  }
}

/// The distribution's own first.
std::vector<fs::path> candidate_pythons() {
  std::vector<fs::path> programs = {"/usr/bin/python3"};
  for (const char* folder : {"/usr/bin", "/usr/local/bin"}) add_pythons_of(folder, programs);
  for (const char* variable : {"PYENV_ROOT", "HOME"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr) continue;
    add_pyenv(variable == std::string_view("HOME") ? fs::path(value) / ".pyenv" : fs::path(value),
              programs);
  }
  add_pyenv("/opt/pyenv", programs);
  return programs;
}

std::string version_of_python(const fs::path& python) {
  const auto said = os::output_of(
      {.argv = {python.string(), "-I", "-c", "import platform; print(platform.python_version())"},
       .clean_env = true,
       .folder = "/",
       .timeout = std::chrono::seconds(10)});
  return said ? std::string(trim(*said)) : std::string();
}
}  // namespace

Result<Interpreter> find_python(const std::string& wanted) {
  std::vector<std::string> seen;
  for (const fs::path& program : candidate_pythons()) {
    std::error_code error;
    if (!fs::exists(program, error)) continue;
    const std::string version = version_of_python(program);
    if (version.empty()) continue;
    const bool reachable = reachable_by_all(program);
    if (reachable && satisfies(version, wanted)) return Interpreter{program, version};
    const std::string shown = fmt::format("{} ({}{})", version, program.string(),
                                          reachable ? "" : ", only root can reach it");
    if (std::find(seen.begin(), seen.end(), shown) == seen.end()) seen.push_back(shown);
  }
  return fail(
      ErrorKind::kNotFound,
      fmt::format("no Python {} that the build's user can run; this machine has {}", wanted,
                  seen.empty() ? "none" : join(seen, ", ")),
      fmt::format("install it where everybody can reach it (/usr/local, /opt/pyenv), or set "
                  "`version:` to one there is"));
}

namespace {
/// What `program ARGUMENT` prints, cut to the number in it: "v20.1.0" and "go version go1.26.8
/// linux" alike.
std::string version_said(const fs::path& program, const std::string& argument,
                         std::string_view before) {
  const auto said = os::output_of({.argv = {program.string(), argument},
                                   .env = {{"HOME", "/nonexistent"}, {"GOTOOLCHAIN", "local"}},
                                   .clean_env = true,
                                   .folder = "/",
                                   .timeout = std::chrono::seconds(10)});
  if (!said) return {};
  const std::size_t at = said->find(before);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + before.size();
  return said->substr(begin, said->find_first_not_of("0123456789.", begin) - begin);
}

tl::unexpected<Error> wrong_version(std::string_view what, const std::string& wanted,
                                    const std::string& found) {
  return fail(ErrorKind::kNotFound,
              found.empty() ? fmt::format("this machine has no {} that everybody can run", what)
                            : fmt::format("no {} {}; this machine has {}", what, wanted, found),
              fmt::format("install {}{} in /usr or /usr/local, or change `version:`", what,
                          wanted.empty() ? "" : " " + wanted));
}
}  // namespace

bool at_least(std::string_view version, std::string_view wanted) {
  const auto numbers = [](std::string_view text) {
    std::vector<int> parsed;
    for (const std::string& part : split(text, '.')) {
      int number = 0;
      std::from_chars(part.data(), part.data() + part.size(), number);
      parsed.push_back(number);
    }
    return parsed;
  };
  return wanted.empty() || numbers(version) >= numbers(wanted);
}

Result<Interpreter> find_node(const std::string& wanted) {
  std::string found;
  for (const fs::path program : {"/usr/bin/node", "/usr/local/bin/node"}) {
    if (!reachable_by_all(program)) continue;
    const std::string version = version_said(program, "--version", "v");
    if (!version.empty() && satisfies(version, wanted)) return Interpreter{program, version};
    found = version;
  }
  return wrong_version("Node", wanted, found);
}

Result<Interpreter> find_go(const std::string& wanted) {
  std::string found;
  for (const fs::path program : {"/usr/local/go/bin/go", "/usr/bin/go", "/usr/local/bin/go"}) {
    if (!reachable_by_all(program)) continue;
    const std::string version = version_said(program, "version", "go version go");
    if (!version.empty() && at_least(version, wanted)) return Interpreter{program, version};
    found = version;
  }
  return wrong_version("Go", wanted, found);
}

}  // namespace ecluse::artifact
