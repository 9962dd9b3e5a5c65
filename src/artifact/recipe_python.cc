#include <fmt/format.h>

#include "artifact/interpreter.h"
#include "artifact/recipes.h"
#include "artifact/requirements.h"
#include "artifact/sha256.h"
#include "artifact/tree.h"
#include "base/text.h"
#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {
constexpr std::string_view kLayerFormat = "python-venv-1";
constexpr std::string_view kConverted = ".ecluse-requirements.txt";

std::string in_root(const Part& part, std::string_view path) {
  return part.root.empty() ? std::string(path) : fmt::format("{}/{}", part.root, path);
}

/// pip and compileall of the project's own environment.
std::string venv_python(Workshop& workshop, const Part& part) {
  return workshop.inside(in_root(part, ".venv/bin/python"));
}

Result<void> make_venv(Workshop& workshop, const Part& part, const Interpreter& python) {
  workshop.say(fmt::format("python {} ({}) in {}", python.version, python.program.string(),
                           workshop.inside(in_root(part, ".venv"))));
  return workshop.run(
      {.what = "making the virtual environment",
       .argv = {python.program.string(), "-m", "venv", workshop.inside(in_root(part, ".venv"))},
       .root = part.root});
}

Result<void> pip_install(Workshop& workshop, const Part& part, std::vector<std::string> what) {
  std::vector<std::string> argv = {
      venv_python(workshop, part), "-m", "pip", "install", "--no-compile", "--no-input",
      "--progress-bar=off"};
  const std::string shown = join(what, " ");
  argv.insert(argv.end(), what.begin(), what.end());
  return workshop.run(
      {.what = fmt::format("pip install {}", shown), .argv = std::move(argv), .root = part.root});
}

/// Bytecode that does not name a time, made in one go from a clean state: the same bytes each time.
Result<void> compile_venv(Workshop& workshop, const Part& part) {
  ECLUSE_TRY(remove_bytecode(workshop.folder(in_root(part, ".venv"))));
  // Some packages carry templates that are not Python; a non-zero exit only says that.
  ECLUSE_TRY(workshop.attempt({.what = "compiling the installed packages",
                               .argv = {venv_python(workshop, part), "-m", "compileall", "-q", "-q",
                                        "-f", "--invalidation-mode", "unchecked-hash",
                                        workshop.inside(in_root(part, ".venv/lib"))},
                               .root = part.root}));
  return {};
}

/// pip reads what we read: in UTF-8, beside the original so that relative names keep their meaning.
Result<std::string> file_for_pip(Workshop& workshop, const std::string& file,
                                 const Requirements& requirements) {
  if (requirements.encoding == "UTF-8") return file;
  workshop.say(
      fmt::format("note: {} is {}; converted to UTF-8 for pip", file, requirements.encoding));
  const fs::path converted = fs::path(file).parent_path() / kConverted;
  ECLUSE_TRY(os::replace_file(workshop.place().tree / converted, requirements.text));
  return converted.string();
}

Result<void> install_requirements(Workshop& workshop, const Part& part, const Interpreter& python,
                                  const std::string& file, const Requirements& requirements) {
  ECLUSE_TRY(make_venv(workshop, part, python));
  ECLUSE_ASSIGN(const std::string for_pip, file_for_pip(workshop, file, requirements));
  auto installed = pip_install(workshop, part, {"-r", workshop.inside(for_pip)});
  if (for_pip != file) ECLUSE_TRY(remove_tree(workshop.place().tree / for_pip));
  ECLUSE_TRY(std::move(installed));
  return compile_venv(workshop, part);
}

std::string layer_key(const Part& part, const Interpreter& python,
                      const Requirements& requirements) {
  return Sha256()
      .add_field(kLayerFormat)
      .add_field(part.root)
      .add_field(python.program.string())
      .add_field(python.version)
      .add_field(requirements.all_text)
      .hex();
}

Result<void> build_from_requirements(Workshop& workshop, const Part& part,
                                     const Interpreter& python, const std::string& file) {
  ECLUSE_ASSIGN(const Requirements requirements, read_requirements(workshop.place().tree, file));
  if (requirements.open_ended) {
    return install_requirements(workshop, part, python, file, requirements);
  }
  const fs::path venv = workshop.folder(in_root(part, ".venv"));
  const std::string key = layer_key(part, python, requirements);
  ECLUSE_ASSIGN(const bool laid, workshop.layers().lay(key, venv));
  if (laid) {
    workshop.say(
        fmt::format("{} and Python are unchanged: its packages are taken from the cache", file));
    return {};
  }
  ECLUSE_TRY(install_requirements(workshop, part, python, file, requirements));
  ECLUSE_TRY(workshop.layers().keep(key, venv, workshop.place().time));
  return {};
}

/// A virtual environment in git is somebody else's machine; ours takes its place.
Result<void> drop_committed_venv(Workshop& workshop, const Part& part) {
  const fs::path venv = workshop.folder(in_root(part, ".venv"));
  if (!fs::exists(fs::symlink_status(venv))) return {};
  workshop.say("warning: .venv is committed; it is replaced, remove it from git");
  return remove_tree(venv);
}

std::string requirements_file(const Workshop& workshop, const Part& part) {
  if (!part.build.source.empty()) return part.build.source;
  return fs::exists(workshop.folder(part.root) / "requirements.txt") ? "requirements.txt" : "";
}

bool is_requirements(const std::string& source) {
  return !source.empty() && !source.ends_with("pyproject.toml") && !source.ends_with("setup.py") &&
         source != ".";
}
}  // namespace

Result<std::string> python_tools(const Part& part) {
  ECLUSE_ASSIGN(const Interpreter python, find_python(part.build.version));
  return fmt::format("python {} {}", python.version, python.program.string());
}

Result<void> build_python(Workshop& workshop, const Part& part, Purpose) {
  ECLUSE_ASSIGN(const Interpreter python, find_python(part.build.version));
  ECLUSE_TRY(drop_committed_venv(workshop, part));
  const std::string source = requirements_file(workshop, part);
  if (is_requirements(source)) {
    return build_from_requirements(workshop, part, python, in_root(part, source));
  }
  ECLUSE_TRY(make_venv(workshop, part, python));
  ECLUSE_TRY(pip_install(workshop, part, {"."}));
  return compile_venv(workshop, part);
}

Result<void> compile_python(Workshop& workshop, const Part& part) {
  if (!fs::exists(workshop.folder(in_root(part, ".venv/bin/python")))) return {};
  ECLUSE_TRY(workshop.attempt(
      {.what = "compiling the project's Python",
       .argv = {venv_python(workshop, part), "-m", "compileall", "-q", "-q", "-f",
                "--invalidation-mode", "unchecked-hash", "-x",
                R"((^|/)(\.venv|node_modules|\.git)(/|$))", workshop.inside(part.root)},
       .root = part.root}));
  return {};
}

}  // namespace ecluse::artifact
