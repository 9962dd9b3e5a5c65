#include <fmt/format.h>

#include "artifact/interpreter.h"
#include "artifact/part_path.h"
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

/// pip and setuptools from the wheels that Python carries, without compiling them: compile_venv()
/// does that once for all. ensurepip itself takes twice as long, and takes no options.
constexpr const char* kInstallPip = R"(
import ensurepip, glob, os, runpy, sys
places = [getattr(ensurepip, '_WHEEL_PKG_DIR', None),
          os.path.join(os.path.dirname(ensurepip.__file__), '_bundled')]
wheels = [w for p in places if p for w in sorted(glob.glob(os.path.join(p, 'pip-*.whl')))]
if not wheels:
    sys.exit("No module named 'ensurepip'")
folder = os.path.dirname(wheels[-1])
names = ['pip'] + (['setuptools'] if glob.glob(os.path.join(folder, 'setuptools-*.whl')) else [])
sys.path.insert(0, wheels[-1])
sys.argv = ['pip', 'install', '--quiet', '--no-compile', '--no-index', '--no-cache-dir',
            '--find-links', folder] + names
runpy.run_module('pip', run_name='__main__')
)";

/// What is preferred and not there is no reason to fail.
Result<Interpreter> python_of(const model::BuildSpec& build) {
  if (!build.version.empty() || build.prefer.empty()) return find_python(build.version);
  auto preferred = find_python(build.prefer);
  return preferred ? std::move(preferred) : find_python("");
}

void say_if_another(Workshop& workshop, const model::BuildSpec& build, const Interpreter& python) {
  if (!build.version.empty() || satisfies(python.version, build.prefer)) return;
  workshop.say(fmt::format(
      "warning: the project is written for Python {0}, and this machine has none that every user "
      "can reach; {1} is taken. If that fails, install {0} in /usr/local or /opt/pyenv",
      build.prefer, python.version));
}

/// pip and compileall of the project's own environment.
std::string venv_python(Workshop& workshop, const Part& part) {
  return workshop.inside(in_root(part, ".venv/bin/python"));
}

Result<void> make_venv(Workshop& workshop, const Part& part, const Interpreter& python) {
  say_if_another(workshop, part.build, python);
  workshop.say(fmt::format("python {} ({}) in {}", python.version, python.program.string(),
                           workshop.inside(in_root(part, ".venv"))));
  ECLUSE_TRY(workshop.run({.what = "making the virtual environment",
                           .argv = {python.program.string(), "-m", "venv", "--without-pip",
                                    workshop.inside(in_root(part, ".venv"))},
                           .root = part.root}));
  return workshop.run({.what = "installing pip",
                       .argv = {venv_python(workshop, part), "-c", kInstallPip},
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

/// pip names the requirement that it cannot find; where it stands is ours to say.
Error with_line(const Requirements& requirements, Error error) {
  constexpr std::string_view kMissing = "No matching distribution found for ";
  const std::size_t at = error.message.find(kMissing);
  if (at == std::string::npos) return error;
  const std::string_view rest = std::string_view(error.message).substr(at + kMissing.size());
  const std::string line = line_of(requirements, trim(rest.substr(0, rest.find_first_of(")(\n"))));
  return line.empty() ? error : in_context(line, std::move(error));
}

Result<void> install_requirements(Workshop& workshop, const Part& part, const Interpreter& python,
                                  const std::string& file, const Requirements& requirements) {
  ECLUSE_TRY(make_venv(workshop, part, python));
  ECLUSE_ASSIGN(const std::string for_pip, file_for_pip(workshop, file, requirements));
  auto installed = pip_install(workshop, part, {"-r", workshop.inside(for_pip)});
  if (for_pip != file) ECLUSE_TRY(remove_tree(workshop.place().tree / for_pip));
  if (!installed) return fail(with_line(requirements, std::move(installed).error()));
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
  return os::is_there(workshop.folder(part.root) / "requirements.txt") ? "requirements.txt" : "";
}

bool is_requirements(const std::string& source) {
  return !source.empty() && !source.ends_with("pyproject.toml") && !source.ends_with("setup.py") &&
         source != ".";
}
}  // namespace

Result<std::string> python_tools(const Part& part) {
  ECLUSE_ASSIGN(const Interpreter python, python_of(part.build));
  return fmt::format("python {} {}", python.version, python.program.string());
}

Result<void> build_python(Workshop& workshop, const Part& part, Purpose) {
  ECLUSE_ASSIGN(const Interpreter python, python_of(part.build));
  ECLUSE_TRY(drop_committed_venv(workshop, part));
  const std::string source = requirements_file(workshop, part);
  if (is_requirements(source)) {
    return build_from_requirements(workshop, part, python, in_root(part, source));
  }
  ECLUSE_TRY(make_venv(workshop, part, python));
  ECLUSE_TRY(pip_install(workshop, part, {"."}));
  return compile_venv(workshop, part);
}

namespace {
/// uv or poetry, in an environment of its own that all apps share. Only these steps may write
/// there: nothing of an app's repository runs in them.
Result<void> require_tool(Workshop& workshop, const Interpreter& python, const std::string& tool) {
  const std::string name = fmt::format("{}-{}", tool, python.version);
  if (fs::exists(workshop.place().tools / name / "complete")) return {};
  workshop.say(fmt::format("{} is not here yet: installing it from the package registry", tool));
  const std::string place = workshop.inside_tmp("tools/" + name);
  const auto step = [&](std::vector<std::string> argv) {
    return workshop.run({.what = "installing " + tool,
                         .argv = std::move(argv),
                         .tools = Workshop::ToolsAccess::kWrite});
  };
  ECLUSE_TRY(step({python.program.string(), "-m", "venv", "--clear", "--without-pip", place}));
  ECLUSE_TRY(step({place + "/bin/python", "-c", kInstallPip}));
  ECLUSE_TRY(step(
      {place + "/bin/python", "-m", "pip", "install", "--no-input", "--progress-bar=off", tool}));
  return step({"/bin/touch", place + "/complete"});
}

struct LockedProject {
  std::string tool;
  std::string lock_file;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> env;
};

/// What is installed follows from the lock file, the manifest and the groups asked for.
Result<std::string> locked_key(Workshop& workshop, const Part& part, const Interpreter& python,
                               const LockedProject& project) {
  const fs::path folder = workshop.folder(part.root);
  const auto lock = os::read_file(folder / project.lock_file, 64 << 20);
  if (!lock) {
    return fail(ErrorKind::kInvalid,
                fmt::format("there is no {}", in_root(part, project.lock_file)),
                fmt::format("run `{} lock` and commit it", project.tool));
  }
  ECLUSE_ASSIGN(const std::string manifest, os::read_file(folder / "pyproject.toml", 16 << 20));
  Sha256 key;
  key.add_field(kLayerFormat).add_field(project.tool).add_field(part.root);
  key.add_field(python.program.string()).add_field(python.version);
  key.add_field(join(project.arguments, " ")).add_field(manifest).add_field(*lock);
  return key.hex();
}

Result<void> build_locked(Workshop& workshop, const Part& part, const LockedProject& project) {
  ECLUSE_ASSIGN(const Interpreter python, python_of(part.build));
  ECLUSE_ASSIGN(const std::string key, locked_key(workshop, part, python, project));
  ECLUSE_TRY(drop_committed_venv(workshop, part));
  const fs::path venv = workshop.folder(in_root(part, ".venv"));
  ECLUSE_ASSIGN(const bool laid, workshop.layers().lay(key, venv));
  if (laid) {
    workshop.say(fmt::format("{} and Python are unchanged: its packages are taken from the cache",
                             project.lock_file));
    return {};
  }
  ECLUSE_TRY(require_tool(workshop, python, project.tool));
  ECLUSE_TRY(make_venv(workshop, part, python));
  std::vector<std::string> argv = {workshop.inside_tmp(
      fmt::format("tools/{}-{}/bin/{}", project.tool, python.version, project.tool))};
  argv.insert(argv.end(), project.arguments.begin(), project.arguments.end());
  ECLUSE_TRY(workshop.run({.what = fmt::format("{} {}", project.tool, join(project.arguments, " ")),
                           .argv = std::move(argv),
                           .root = part.root,
                           .env = project.env}));
  ECLUSE_TRY(compile_venv(workshop, part));
  return workshop.layers().keep(key, venv, workshop.place().time);
}
}  // namespace

Result<void> build_uv(Workshop& workshop, const Part& part, Purpose purpose) {
  const std::string venv = workshop.inside(in_root(part, ".venv"));
  LockedProject project{"uv",
                        "uv.lock",
                        {"sync", "--frozen", "--no-install-project", "--no-progress", "--inexact"},
                        {{"UV_PROJECT_ENVIRONMENT", venv},
                         {"UV_PYTHON", venv + "/bin/python"},
                         {"UV_PYTHON_DOWNLOADS", "never"},
                         {"UV_LINK_MODE", "copy"}}};
  if (purpose == Purpose::kRelease) project.arguments.push_back("--no-dev");
  return build_locked(workshop, part, project);
}

Result<void> build_poetry(Workshop& workshop, const Part& part, Purpose purpose) {
  LockedProject project{"poetry",
                        "poetry.lock",
                        {"install", "--no-root", "--no-interaction", "--no-ansi"},
                        {{"POETRY_VIRTUALENVS_IN_PROJECT", "true"},
                         {"POETRY_CACHE_DIR", workshop.inside_tmp("cache/poetry")}}};
  if (purpose == Purpose::kRelease) project.arguments.push_back("--only=main");
  return build_locked(workshop, part, project);
}

Result<void> compile_python(Workshop& workshop, const Part& part) {
  if (!os::is_there(workshop.folder(in_root(part, ".venv/bin/python")))) return {};
  ECLUSE_TRY(workshop.attempt(
      {.what = "compiling the project's Python",
       .argv = {venv_python(workshop, part), "-m", "compileall", "-q", "-q", "-f",
                "--invalidation-mode", "unchecked-hash", "-x",
                R"((^|/)(\.venv|node_modules|\.git)(/|$))", workshop.inside(part.root)},
       .root = part.root}));
  return {};
}

}  // namespace ecluse::artifact
