#include <fmt/format.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <istream>
#include <iterator>
#include <ostream>

#include "api/json.h"
#include "api/wire.h"
#include "cli/rollout_text.h"
#include "cli/table.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

constexpr std::size_t kSecretBytesMax = 64 << 10;

struct Options : Common {
  std::string act;
  std::string name;
  bool generate = false;
};

/// What is typed is not shown while this lives.
class HiddenTyping {
 public:
  HiddenTyping() {
    active_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    active_ = active_ && tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }
  ~HiddenTyping() {
    if (active_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  HiddenTyping(const HiddenTyping&) = delete;
  HiddenTyping& operator=(const HiddenTyping&) = delete;
  bool active() const { return active_; }

 private:
  termios before_{};
  bool active_ = false;
};

Result<std::string> typed_value(const Session& session, const std::string& name) {
  const HiddenTyping hidden;
  if (!hidden.active())
    return fail(ErrorKind::kUnavailable, "the terminal cannot hide what is typed",
                fmt::format("ecluse secret set {} < FILE", name));
  session.terminal.err << name << " (not shown): " << std::flush;
  std::string value;
  std::getline(session.terminal.in, value);
  session.terminal.err << "\n";
  return value;
}

/// One line feed at the end comes from `echo` and editors, not from the secret.
std::string piped_value(const Session& session) {
  std::string value(std::istreambuf_iterator<char>(session.terminal.in), {});
  if (value.ends_with('\n')) value.pop_back();
  return value;
}

/// 50 letters and digits, about 297 bits: a key nobody needs to know.
Result<std::string> generated_value() {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t kLength = 50;
  constexpr unsigned kEven = 256 / kLetters.size() * kLetters.size();  // bytes above are not even
  std::string value;
  while (value.size() < kLength) {
    unsigned char byte = 0;
    if (getrandom(&byte, 1, 0) != 1) return fail(from_errno(errno, "getrandom"));
    if (byte < kEven) value += kLetters[byte % kLetters.size()];
  }
  return value;
}

Result<std::string> read_value(const Session& session, const std::string& name) {
  ECLUSE_ASSIGN(auto value, session.terminal.in_is_tty ? typed_value(session, name)
                                                       : Result<std::string>(piped_value(session)));
  if (value.empty()) return fail(ErrorKind::kInvalid, "the value is empty", "nothing was changed");
  if (value.size() > kSecretBytesMax) {
    return fail(ErrorKind::kInvalid,
                fmt::format("the value is longer than {} bytes", kSecretBytesMax));
  }
  return value;
}

int set_secret(const Session& session, const Options& options, Daemon& daemon,
               const control::Act& act) {
  const auto value = options.generate ? generated_value() : read_value(session, options.name);
  if (!value) return report(session, options, value.error(), kUsage);
  const auto version = daemon.operations->secret_set(act, options.name, *value);
  if (!version) return report(session, options, daemon, version.error());
  if (options.json) {
    session.terminal.out << api::json_text(api::SecretVersion{options.name, *version}) << "\n";
  } else {
    session.terminal.out << fmt::format(
        "{} of {} is set (version {}); the next release gets it, `ecluse restart` gives it now\n",
        options.name, to_string(act.environment), *version);
  }
  return kDone;
}

int list_secrets(const Session& session, const Options& options, Daemon& daemon,
                 const control::Act& act) {
  const auto secrets = daemon.operations->secrets(act.environment);
  if (!secrets) return report(session, options, daemon, secrets.error());
  if (options.json) {
    session.terminal.out << api::json_text(*secrets) << "\n";
    return kDone;
  }
  Table table({"NAME", "VERSION", "CHANGED", "BY"});
  for (const auto& secret : *secrets) {
    table.row({secret.name, fmt::format("{}", secret.version), short_time(secret.changed_at),
               secret.changed_by});
  }
  table.print(session.terminal);
  return kDone;
}

int remove_secret(const Session& session, const Options& options, Daemon& daemon,
                  const control::Act& act) {
  const auto question =
      fmt::format("Remove {} of {} for new releases?", options.name, to_string(act.environment));
  if (!confirmed(session, options, question)) return kRefused;
  const auto done = daemon.operations->secret_remove(act, options.name);
  if (!done) return report(session, options, daemon, done.error());
  return say_done(session, options, options.name + " is removed; releases that use it keep it");
}

int secret(const Session& session, const Options& options) {
  const bool set = options.act == "set";
  const bool remove = options.act == "rm";
  if (!set && !remove && options.act != "list") {
    return report(
        session, options,
        {ErrorKind::kInvalid, fmt::format("secret does set, list and rm, not {}", options.act),
         "`ecluse secret set NAME --to ENV < FILE`"},
        kUsage);
  }
  if ((set || remove) && options.name.empty()) {
    return report(session, options, {ErrorKind::kInvalid, "the secret's NAME is missing", ""},
                  kUsage);
  }
  return with_environment(
      session, options,
      [&](const Session& s, const Common&, Daemon& daemon, const control::Act& act) {
        if (set) return set_secret(s, options, daemon, act);
        return remove ? remove_secret(s, options, daemon, act)
                      : list_secrets(s, options, daemon, act);
      });
}

}  // namespace

Verb secret_verb() {
  return {
      "secret", "Inside an app", "Set, list and remove secrets: encrypted, versioned, never shown",
      [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Options>();
        arguments.positional("ACT", options->act, "set, list or rm", true, {"set", "list", "rm"});
        arguments.positional("NAME", options->name, "As SECRET_KEY");
        arguments.flag("--generate", options->generate, "set: a random value, known to nobody");
        declare_target(arguments, *options);
        declare_reason(arguments, *options);
        declare_yes(arguments, *options);
        return [options](const Session& session) { return secret(session, *options); };
      },
      "The value is read from stdin, or typed unseen; it is never an argument, where every "
      "process of the\nmachine could read it."};
}

}  // namespace ecluse::cli
