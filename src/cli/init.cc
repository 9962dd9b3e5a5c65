#include <fmt/format.h>

#include <chrono>
#include <istream>
#include <ostream>

#include "base/text.h"
#include "cli/known_repository.h"
#include "cli/verbs_list.h"
#include "config/parse.h"
#include "os/file.h"
#include "os/subprocess.h"
#include "preflight/proposal/write.h"

namespace ecluse::cli {

namespace {

constexpr const char* kFileName = "ecluse.yml";
constexpr std::chrono::minutes kCloneTime{10};

struct Options : Common {
  std::string place;
  bool why = false;
  bool dry_run = false;
};

bool is_address(const std::string& place) {
  return place.find("://") != std::string::npos || place.starts_with("git@");
}

/// "lettings" of "https://host/someone/lettings.git/".
std::string name_of_address(std::string address) {
  while (address.ends_with('/')) address.pop_back();
  if (address.ends_with(".git")) address.resize(address.size() - 4);
  return address.substr(address.find_last_of("/:") + 1);
}

/// A clone beside the person, as `git clone` makes it; nothing of the repository is run.
Result<std::filesystem::path> clone(const Session& session, const std::string& address) {
  const auto name = name_of_address(address);
  if (name.empty() || name == "." || name == "..")
    return fail(ErrorKind::kInvalid, address + " names no repository",
                "as https://example.org/team/shop.git");
  const auto folder = session.folder / name;
  if (os::is_there(folder))
    return fail(ErrorKind::kRefused, folder.string() + " exists already",
                "go into it and say `ecluse init`, or stand elsewhere");
  session.terminal.err << "cloning " << address << " into " << name << "\n";
  const auto done = os::output_of(
      {.argv = {"git", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "clone",
                "--quiet", "--", address, folder.string()},
       .env = {{"GIT_TERMINAL_PROMPT", "0"}, {"GIT_LFS_SKIP_SMUDGE", "1"}},
       .folder = session.folder,
       .timeout = kCloneTime});
  if (!done) return fail(in_context("cloning " + address, done.error()));
  return folder;
}

Result<std::filesystem::path> folder_of(const Session& session, const Options& options) {
  if (is_address(options.place)) return clone(session, options.place);
  std::error_code error;
  const auto folder = std::filesystem::canonical(
      session.folder / (options.place.empty() ? "." : options.place), error);
  if (error || !os::is_folder(folder))
    return fail(ErrorKind::kNotFound, options.place + " is no folder",
                "ecluse init [PATH|GIT URL]");
  return folder;
}

Error nothing_serves(const preflight::Proposal& proposal) {
  std::string message =
      "nothing was found here that answers HTTP and can be started: no Django, Flask, FastAPI, "
      "Dash, Streamlit, Node start script, index.html, nor a program of the repository that a "
      "Dockerfile, compose file or Procfile starts";
  for (const auto& gap : proposal.gaps)
    message += fmt::format("\n{}:{}: {}", gap.why.path, gap.why.place.line, gap.what);
  return {
      ErrorKind::kNotFound, std::move(message),
      "write ecluse.yml by hand: docs/ecluse-yml.md; `processes: {web: {command: ...}}` is enough"};
}

/// What only a person knows is asked on a terminal; an empty answer leaves it as a gap.
void ask(const Session& session, const Options& options, preflight::Proposal& proposal) {
  const auto& terminal = session.terminal;
  if (options.yes || options.json || !terminal.in_is_tty) return;
  std::vector<preflight::Gap> open;
  for (auto& each : proposal.asks) {
    terminal.err << fmt::format("{} (demanded at {}:{}), empty: later: ", each.what, each.why.path,
                                each.why.place.line)
                 << std::flush;
    std::string value;
    std::getline(terminal.in, value);
    if (value.empty())
      open.push_back(std::move(each));
    else
      proposal.env[each.what] = {value, each.why};
  }
  proposal.asks = std::move(open);
}

void say_next(const Session& session, const preflight::Proposal& proposal, bool why) {
  auto& out = session.terminal.out;
  if (why) out << "\n" << preflight::reasons_text(proposal);
  const auto gaps = preflight::gaps_text(proposal);
  if (!gaps.empty()) out << "\nMissing at run time:\n" << gaps;
}

std::string names_of(const std::map<std::string, std::string>& files) {
  std::vector<std::string> names;
  for (const auto& [path, text] : files) names.push_back(path);
  return join(names, " ");
}

/// Nothing that is there is overwritten.
Result<void> refuse_what_exists(const std::filesystem::path& folder,
                                const std::map<std::string, std::string>& files) {
  for (const auto& [path, text] : files) {
    if (os::is_there(folder / path))
      return fail(ErrorKind::kRefused, path + " exists already; it is never overwritten",
                  "name it under `build: {python: ...}` of an ecluse.yml of your own");
  }
  return {};
}

int write(const Session& session, const Options& options, const std::filesystem::path& file,
          const preflight::Proposal& proposal) {
  auto files = preflight::files_beside(proposal);
  const auto text = preflight::ecluse_yml(proposal);
  const auto parsed = config::parse(text, kFileName);
  if (!parsed) {
    return report(session, options,
                  {ErrorKind::kInternal,
                   "the file that was made is not right:\n" + config::render(parsed.error(), text),
                   "this is a mistake of ecluse: please report it; nothing was written"});
  }
  if (!options.json) {
    session.terminal.out << text;
    for (const auto& [path, beside] : files)
      session.terminal.out << fmt::format("\n{}:\n{}", path, beside);
    say_next(session, proposal, options.why);
  }
  if (!options.dry_run) {
    const auto free = refuse_what_exists(file.parent_path(), files);
    if (!free) return report(session, options, free.error(), kRefused);
    if (!confirmed(session, options, "Write this to " + file.string() + "?")) return kRefused;
    files[kFileName] = text;
    for (const auto& [path, bytes] : files) {
      const auto done = os::replace_file(file.parent_path() / path, bytes, 0644);
      if (!done) return report(session, options, done.error());
    }
  }
  if (options.json) {
    session.terminal.out << preflight::proposal_json(proposal, file.string());
  } else if (!options.dry_run) {
    session.terminal.out << "\nwrote " << file.string() << "\nnext: git add " << names_of(files)
                         << " && git commit -m \"Deliver with ecluse\"; "
                            "ecluse up --detach; ecluse deploy\n";
  }
  return kDone;
}

int init(const Session& session, const Options& options) {
  const auto folder = folder_of(session, options);
  if (!folder) return report(session, options, folder.error(), kUsage);
  const auto file = *folder / kFileName;
  if (os::is_there(file) && !options.dry_run) {
    return report(session, options,
                  {ErrorKind::kRefused, file.string() + " exists already; it is never overwritten",
                   "`ecluse init --dry-run` shows what would be written"},
                  kRefused);
  }
  const auto repository = read_known(session, *folder, false);
  if (!repository) return report(session, options, repository.error(), kUsage);
  const auto stack = preflight::conclude(*repository);
  auto proposal = preflight::propose(*repository, stack, folder->filename().string());
  if (proposal.parts.empty()) return report(session, options, nothing_serves(proposal));
  ask(session, options, proposal);
  return write(session, options, file, proposal);
}

}  // namespace

Verb init_verb() {
  return {
      "init", "ecluse.yml", "Write ecluse.yml from what the repository is",
      [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Options>();
        arguments.positional("PATH", options->place,
                             "Folder, or address of a git repository to clone; default: here");
        arguments.flag("--why", options->why, "What each line was read from");
        arguments.flag("--dry-run", options->dry_run, "Show it, write nothing");
        declare_json(arguments, *options);
        declare_yes(arguments, *options);
        return [options](const Session& session) { return init(session, *options); };
      },
      "Reads files only and runs nothing of the repository. Never overwrites an ecluse.yml. Says "
      "what will be\nmissing at run time, and asks on a terminal for what only you can know."};
}

}  // namespace ecluse::cli
