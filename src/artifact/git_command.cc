#include "artifact/git_command.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "base/text.h"

namespace ecluse::artifact {

namespace {
/// What a transport may need of our surroundings: certificates, proxies, an ssh agent. Nothing that
/// changes what git does.
constexpr std::array kPassedOn = {
    "PATH",         "HOME",       "SSH_AUTH_SOCK", "GIT_SSL_CAINFO", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "http_proxy", "https_proxy",   "HTTPS_PROXY",    "no_proxy",
    "NO_PROXY",     "all_proxy",  "ALL_PROXY",     "CURL_CA_BUNDLE"};

constexpr std::array kSettings = {"core.hooksPath=/dev/null",
                                  "core.attributesFile=/dev/null",
                                  "core.excludesFile=/dev/null",
                                  "core.fsmonitor=false",
                                  "core.autocrlf=false",
                                  "core.eol=lf",
                                  "core.symlinks=true",
                                  "core.fileMode=true",
                                  "core.quotePath=false",
                                  "credential.helper=",
                                  "fetch.recurseSubmodules=false",
                                  "fetch.unpackLimit=1",
                                  "gc.auto=0",
                                  "i18n.logOutputEncoding=UTF-8",
                                  "maintenance.auto=false",
                                  "protocol.ext.allow=never",
                                  "submodule.recurse=false"};

std::map<std::string, std::string> environment_of(const GitCall& call) {
  std::map<std::string, std::string> env = call.env;
  for (const char* name : kPassedOn) {
    if (const char* value = std::getenv(name)) env.emplace(name, value);
  }
  env["LC_ALL"] = "C";  // its messages are matched below
  env["GIT_CONFIG_NOSYSTEM"] = "1";
  env["GIT_CONFIG_GLOBAL"] = call.settings.empty() ? "/dev/null" : call.settings.string();
  env["GIT_ATTR_NOSYSTEM"] = "1";
  env["GIT_TERMINAL_PROMPT"] = "0";
  env["GIT_ASKPASS"] = "/bin/false";
  env["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes -o ConnectTimeout=20";
  env["GIT_ALLOW_PROTOCOL"] = call.protocols.empty() ? "none" : call.protocols;
  env["GIT_NO_REPLACE_OBJECTS"] = "1";
  env["GIT_NO_LAZY_FETCH"] = "1";
  env["GIT_LITERAL_PATHSPECS"] = "1";
  return env;
}

std::vector<std::string> argv_of(const GitCall& call) {
  std::vector<std::string> argv;
  if (call.file_bytes_max > 0) {
    argv = {"prlimit", fmt::format("--fsize={}", call.file_bytes_max), "--core=0", "--"};
  }
  argv.push_back("git");
  for (const char* setting : kSettings) {
    argv.push_back("-c");
    argv.push_back(setting);
  }
  if (!call.git_folder.empty()) argv.push_back("--git-dir=" + call.git_folder.string());
  argv.insert(argv.end(), call.arguments.begin(), call.arguments.end());
  return argv;
}

struct Symptom {
  std::string_view said;
  ErrorKind kind;
  std::string_view hint;
};
constexpr std::array kSymptoms = {
    Symptom{"No space left on device", ErrorKind::kExhausted, "free disk space, then try again"},
    Symptom{"File too large", ErrorKind::kExhausted, "the repository is larger than the bound"},
    // What is left to see when a bound of file size (SIGXFSZ) ended the program that writes packs.
    Symptom{"invalid index-pack output", ErrorKind::kExhausted,
            "the repository is larger than the bound, or its pack is damaged"},
    Symptom{"file write error", ErrorKind::kExhausted, "free disk space, then try again"},
    Symptom{"does not appear to be a git repository", ErrorKind::kNotFound,
            "name the folder that holds .git, or a bare repository"},
    Symptom{"not found", ErrorKind::kNotFound, "check the address"},
    Symptom{"Authentication failed", ErrorKind::kRefused, "check the credentials"},
    Symptom{"could not read Username", ErrorKind::kRefused,
            "the repository wants credentials: use ssh with a deploy key, or a token in ~/.netrc"},
    Symptom{"Permission denied", ErrorKind::kRefused,
            "check the rights of the user ecluse runs as"},
    Symptom{"dubious ownership", ErrorKind::kRefused, "check who owns the repository"},
    Symptom{"transport '", ErrorKind::kRefused, "use a local path, https or ssh"},
    Symptom{"Could not resolve host", ErrorKind::kUnavailable, "check the name and the network"},
    Symptom{"unable to access", ErrorKind::kUnavailable, "check the address and the network"},
    Symptom{"Could not read from remote repository", ErrorKind::kUnavailable,
            "check the address and the network"},
    Symptom{"unable to connect", ErrorKind::kUnavailable, "check the address and the network"},
};

std::string last_words(const os::Finished& finished) {
  auto lines = split(trim(finished.err.empty() ? finished.out : finished.err), '\n');
  if (lines.size() > 5) lines.erase(lines.begin(), lines.end() - 5);
  return printable(without_credentials(join(lines, "; ")), 600);
}
}  // namespace

std::string without_credentials(std::string_view text) {
  std::string clean;
  for (;;) {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos) break;
    const std::string_view rest = text.substr(scheme + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/ \t\n'\"<>?#"));
    const std::size_t at = authority.rfind('@');
    clean.append(text.substr(0, scheme + 3));
    if (at != std::string_view::npos) clean.append("***");
    text = at == std::string_view::npos ? rest : rest.substr(at);
  }
  return clean.append(text);
}

Error git_error(const os::Finished& finished) {
  const std::string said = last_words(finished);
  constexpr int kTooLarge = 128 + 25;  // SIGXFSZ: a file grew past prlimit's bound
  if (finished.exit_code == kTooLarge) {
    return {ErrorKind::kExhausted, "the repository is larger than the bound", {}};
  }
  for (const Symptom& symptom : kSymptoms) {
    if (said.find(symptom.said) == std::string::npos) continue;
    return {symptom.kind, fmt::format("git said: {}", said), std::string(symptom.hint)};
  }
  if (finished.exit_code == 127) {
    return {ErrorKind::kUnavailable, "git is not installed", "install the package git"};
  }
  return {ErrorKind::kInternal, fmt::format("git exited {}: {}", finished.exit_code, said), {}};
}

Result<os::Finished> git(const GitCall& call) {
  return os::run({.argv = argv_of(call),
                  .env = environment_of(call),
                  .clean_env = true,
                  .folder = "/",
                  .input = call.input,
                  .timeout = call.timeout,
                  .output_bytes_max = call.output_bytes_max});
}

Result<std::string> git_output(const GitCall& call) {
  ECLUSE_ASSIGN(os::Finished finished, git(call));
  if (finished.exit_code != 0) return fail(git_error(finished));
  if (finished.out.size() >= call.output_bytes_max) {
    return fail(ErrorKind::kExhausted,
                fmt::format("git {} said more than the {} bytes read at most",
                            call.arguments.front(), call.output_bytes_max));
  }
  return std::move(finished.out);
}

}  // namespace ecluse::artifact
