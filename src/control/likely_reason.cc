#include "control/likely_reason.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <regex>

#include "base/text.h"

namespace ecluse::control {

namespace {
using Guess = std::optional<LikelyReason>;

/// Of a line that a pattern sees: libstdc++'s matcher calls itself for each byte.
constexpr std::size_t kLineBytesMax = 4096;

std::optional<std::string> captured_in(std::string_view line, const std::regex& pattern) {
  line = line.substr(0, kLineBytesMax);
  std::cmatch match;
  if (!std::regex_search(line.data(), line.data() + line.size(), match, pattern))
    return std::nullopt;
  return match[1].str();
}

std::optional<std::string> captured(const StartFacts& facts, const std::regex& pattern) {
  // From the end: the last error is the one that ended it.
  for (auto line = facts.last_lines.rbegin(); line != facts.last_lines.rend(); ++line)
    if (auto found = captured_in(*line, pattern)) return found;
  return std::nullopt;
}

Guess command_not_found(const StartFacts& facts) {
  static const std::regex kShell(R"((?:exec: )?([^:\s]+): (?:command )?not found)");
  const auto name = captured(facts, kShell);
  if (!name && facts.exit_code != 127) return std::nullopt;
  const auto command = name.value_or(facts.command.substr(0, facts.command.find(' ')));
  return LikelyReason{fmt::format("the command `{}` does not exist in the release", command),
                      fmt::format("check `command:` of process {}, and that what provides `{}` is "
                                  "among the dependencies the build installs",
                                  facts.process, command)};
}

Guess not_executable(const StartFacts& facts) {
  if (facts.exit_code != 126) return std::nullopt;
  return LikelyReason{fmt::format("`{}` may not be executed", facts.command),
                      "give the file the executable bit in the repository (git update-index "
                      "--chmod=+x), or name its interpreter in the command"};
}

Guess missing_module(const StartFacts& facts) {
  static const std::regex kPython(
      R"((?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?)");
  static const std::regex kNode(R"(Cannot find (?:module|package) '([^']+)')");
  auto name = captured(facts, kPython);
  if (!name) name = captured(facts, kNode);
  if (!name) return std::nullopt;
  return LikelyReason{fmt::format("the module `{}` is missing from the release", *name),
                      fmt::format("add `{}` to the dependency file that `build:` installs", *name)};
}

Guess missing_variable(const StartFacts& facts) {
  static const std::regex kPython(R"(^KeyError: '([A-Z][A-Z0-9_]+)')");
  static const std::regex kDjango(R"(Set the ([A-Z][A-Z0-9_]+) environment variable)");
  static const std::regex kDecouple(R"(UndefinedValueError: ([A-Z][A-Z0-9_]+) not found)");
  static const std::regex kSetting(R"(The ([A-Z][A-Z0-9_]+) setting must not be empty)");
  static const std::regex kGeneral(
      R"(([A-Z][A-Z0-9_]{2,})[`'"]? (?:environment variable )?(?:is not set|is not defined|is required|must be set|is missing))");
  for (const auto* pattern : {&kPython, &kDjango, &kDecouple, &kSetting, &kGeneral}) {
    const auto name = captured(facts, *pattern);
    if (!name) continue;
    return LikelyReason{
        fmt::format("the environment variable {} is missing", *name),
        fmt::format("set it under `env:`, or `ecluse secret set {}` and list it under `secrets:`",
                    *name)};
  }
  return std::nullopt;
}

/// pydantic: the name on one line, `Field required` on the next.
Guess missing_setting(const StartFacts& facts) {
  static const std::regex kName(R"(^([A-Za-z][A-Za-z0-9_]*)$)");
  const auto& lines = facts.last_lines;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const bool required = lines[i].find("ield required") != std::string::npos;
    const auto name = required ? captured_in(lines[i - 1], kName) : std::nullopt;
    if (!name) continue;
    return LikelyReason{
        fmt::format("its settings demand {}, which no variable gives", *name),
        fmt::format("set it in capitals (with the settings' prefix, if there is one) under `env:`, "
                    "or `ecluse secret set {}` and list it under `secrets:`",
                    to_upper(*name))};
  }
  return std::nullopt;
}

/// The folder to make a volume of: of a file, the one it lies in. Nothing where that is the release
/// itself, which a volume would hide.
std::optional<std::string> folder_to_write(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto dot = path.find('.', slash + 2);  // "/app/.cache" is a folder
  auto folder = dot == std::string::npos ? path : path.substr(0, slash);
  if (folder.empty() || folder == "/app") return std::nullopt;
  return folder;
}

Guess read_only(const StartFacts& facts) {
  static const std::regex kPython(R"(Read-only file system: '(/[^']+)')");
  static const std::regex kNode(R"(EROFS: read-only file system, \w+ '(/[^']+)')");
  auto path = captured(facts, kPython);
  if (!path) path = captured(facts, kNode);
  if (!path) return std::nullopt;
  const auto reason = fmt::format("it writes to {}, and a release never changes", *path);
  const auto folder = folder_to_write(*path);
  if (!folder)
    return LikelyReason{
        reason,
        "write it into a folder of its own, and make that a volume under `volumes:` "
        "(docs/ecluse-yml.md); logs belong on standard output"};
  return LikelyReason{reason, fmt::format("keep what it writes there in a volume: `volumes: "
                                          "{{files: {}}}` (docs/ecluse-yml.md)",
                                          *folder)};
}

struct Server {
  std::string_view port;
  std::string_view name;
  std::string_view next;
};
constexpr std::array kServers = {
    Server{"27017", "MongoDB",
           "ecluse starts no MongoDB: run one, and give its address as the "
           "variable or secret that the code reads"},
    Server{"5432", "PostgreSQL",
           "give it one (`services: {db: postgres}`), and read its address "
           "from DATABASE_URL or POSTGRES_HOST"},
    Server{"3306", "MySQL",
           "ecluse starts no MySQL: run one, and give its address as the variable "
           "or secret that the code reads"},
    Server{"6379", "Redis",
           "give it one (`services: {cache: redis}`), and read its address from REDIS_URL"}};

LikelyReason unreachable(const std::string& place, std::string_view port) {
  const auto* server = std::ranges::find(kServers, port, &Server::port);
  if (server == kServers.end())
    return {fmt::format("it cannot reach {}, where nothing listens", place),
            "give the address of what it looks for as the variable or secret that the code reads"};
  return {fmt::format("it cannot reach its {} at {}", server->name, place),
          std::string(server->next)};
}

Guess server_refuses(const StartFacts& facts) {
  static const std::regex kNode(R"(ECONNREFUSED (\S+:\d+))");
  static const std::regex kPostgres(
      R"(connection to server at "[^"]*"(?: \([^)]*\))?, port (\d+) failed: Connection refused)");
  static const std::regex kMysql(R"(Can't connect to MySQL server on '([^']+)')");
  static const std::regex kRedis(R"(Error 111 connecting to (\S+:\d+))");
  if (const auto port = captured(facts, kPostgres)) return unreachable("port " + *port, *port);
  if (const auto host = captured(facts, kMysql)) return unreachable(*host, "3306");
  for (const auto* pattern : {&kNode, &kRedis})
    if (const auto place = captured(facts, *pattern))
      return unreachable(*place, std::string_view(*place).substr(place->rfind(':') + 1));
  return std::nullopt;
}

/// The name of a container, or one that only the author's network knows.
Guess unknown_host(const StartFacts& facts) {
  static const std::regex kNode(R"(getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w.-]+))");
  static const std::regex kPostgres(R"re(could not translate host name "([^"]+)")re");
  static const std::regex kUrllib(R"(Failed to resolve '([\w.-]+)')");
  for (const auto* pattern : {&kNode, &kPostgres, &kUrllib})
    if (const auto host = captured(facts, *pattern))
      return LikelyReason{
          fmt::format("it looks for a host called {}, which nothing here is called", *host),
          "let the code read the address from a variable: those of `services:` are in "
          "docs/services.md"};
  return std::nullopt;
}

Guess no_mongo_address(const StartFacts& facts) {
  static const std::regex kMongoose(R"(The `uri` parameter to `openUri\(\)` must be a (string))");
  static const std::regex kDriver(
      R"(Invalid scheme, expected connection string to start with "(mongodb))");
  if (!captured(facts, kMongoose) && !captured(facts, kDriver)) return std::nullopt;
  return LikelyReason{"it is given no address of a MongoDB",
                      "ecluse starts no MongoDB: run one, and give its address as the variable or "
                      "secret that the code reads (`ecluse init --why` names it)"};
}

Guess port_in_use(const StartFacts& facts) {
  static const std::regex kInUse(R"((EADDRINUSE|[Aa]ddress already in use))");
  if (!captured(facts, kInUse)) return std::nullopt;
  return LikelyReason{"the port it wants is in use already",
                      "let it listen on $PORT, or run ecluse where each instance has a network of "
                      "its own (`ecluse doctor` says what is missing)"};
}

bool answered_with(const StartFacts& facts, int status) {
  return !facts.probes.empty() && facts.probes.back().status == status;
}

Guess host_refused(const StartFacts& facts) {
  static const std::regex kDjango(R"(Invalid HTTP_HOST header: '?([^'\s,]+))");
  const auto named = captured(facts, kDjango);
  const bool says_so =
      named || std::ranges::any_of(facts.probes, [](const ports::ProbeResult& probe) {
        return probe.detail.find("DisallowedHost") != std::string::npos ||
               probe.detail.find("Invalid Host") != std::string::npos;
      });
  if (!says_so && !answered_with(facts, 400)) return std::nullopt;
  const auto host = facts.host.empty() ? std::string("the instance's address") : facts.host;
  return LikelyReason{
      fmt::format("it refuses the Host header `{}` (400 Bad Request)", host),
      fmt::format(
          "allow `{}` in the app (Django: ALLOWED_HOSTS), or set `hosts:` to what it allows",
          host)};
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

Guess wrong_port(const StartFacts& facts) {
  if (facts.listeners.empty() || facts.port == 0) return std::nullopt;
  const bool as_expected = std::ranges::any_of(
      facts.listeners, [&](const ports::Listener& l) { return l.port == facts.port; });
  if (as_expected) return std::nullopt;
  const auto port = facts.listeners.front().port;
  return LikelyReason{
      fmt::format("it listens on port {}, ecluse expected {}", port, facts.port),
      facts.port_is_given
          ? fmt::format("set `port: {}` for process {} in ecluse.yml", port, facts.process)
          : fmt::format("let it listen on $PORT, or set `port: {}` for process {} in ecluse.yml",
                        port, facts.process)};
}

Guess loopback_only(const StartFacts& facts) {
  const auto mine = std::ranges::find(facts.listeners, facts.port, &ports::Listener::port);
  if (mine == facts.listeners.end() || !is_loopback(mine->address)) return std::nullopt;
  const bool refused = !facts.probes.empty() && facts.probes.back().status == 0;
  if (!refused) return std::nullopt;
  return LikelyReason{
      fmt::format("it listens on {} only, where nobody else can reach it", mine->address),
      "let it listen on 0.0.0.0"};
}

Guess nothing_listens(const StartFacts& facts) {
  if (facts.exit_code || !facts.listeners.empty() || facts.port == 0) return std::nullopt;
  return LikelyReason{
      fmt::format("it runs but listens on no port; ecluse expected {}", facts.port),
      fmt::format("check that `command:` of process {} starts a server; a process without traffic "
                  "needs no `ready:`, `routes:` or `port:`",
                  facts.process)};
}

Guess killed(const StartFacts& facts) {
  if (facts.exit_code != 137) return std::nullopt;
  return LikelyReason{
      "it was killed (SIGKILL), as the kernel does when the memory limit is reached",
      fmt::format("raise `limits: {{memory: ...}}` of process {}", facts.process)};
}

std::string last_words(const StartFacts& facts) {
  for (auto line = facts.last_lines.rbegin(); line != facts.last_lines.rend(); ++line)
    if (!trim(*line).empty()) return printable(trim(*line));
  return "(it printed nothing)";
}

/// The last line of a trace: servers say that a worker failed, and not why.
Guess uncaught(const StartFacts& facts) {
  static const std::regex kError(R"(^([\w.]*(?:Error|Exception): .*\S))");
  if (!facts.exit_code || *facts.exit_code == 0) return std::nullopt;
  const auto error = captured(facts, kError);
  if (!error) return std::nullopt;
  return LikelyReason{fmt::format("it ended with {}", readable(*error)),
                      "the lines above that one tell where in the code"};
}

Guess exited(const StartFacts& facts) {
  if (!facts.exit_code) return std::nullopt;
  const auto when =
      facts.lived ? fmt::format(" after {}", ecluse::to_string(*facts.lived)) : std::string{};
  const auto next = fmt::format("its last line was: {}", last_words(facts));
  if (*facts.exit_code == 0)
    return LikelyReason{fmt::format("it ended by itself{} (exit code 0)", when),
                        "a process must stay in the foreground; " + next};
  if (*facts.exit_code < 0)
    return LikelyReason{fmt::format("it ended{}, how is unknown", when), next};
  return LikelyReason{fmt::format("it exited with code {}{}", *facts.exit_code, when), next};
}

Guess bad_answer(const StartFacts& facts) {
  if (facts.probes.empty() || facts.probes.back().status == 0) return std::nullopt;
  const auto& probe = facts.probes.back();
  if (probe.status >= 500)
    return LikelyReason{fmt::format("{} answers {}", probe.what, probe.status),
                        "the log above tells why; often its database or a migration"};
  if (probe.status >= 400)
    return LikelyReason{
        fmt::format("{} answers {}", probe.what, probe.status),
        fmt::format("point `ready:` of process {} at a path that answers 200", facts.process)};
  return std::nullopt;
}

Guess slow(const StartFacts& facts) {
  if (facts.probes.empty()) return std::nullopt;
  const auto& probe = facts.probes.back();
  return LikelyReason{
      fmt::format("{}: {}", probe.what, probe.detail),
      fmt::format("if it only needs longer, raise `ready: {{start: ...}}` of process "
                  "{}",
                  facts.process)};
}
}  // namespace

LikelyReason likely_reason(const StartFacts& facts) {
  // The more a trace says, the earlier it is asked.
  for (const auto guess :
       {command_not_found, not_executable, missing_module, missing_variable, missing_setting,
        read_only, server_refuses, unknown_host, no_mongo_address, port_in_use, killed, uncaught,
        exited, host_refused, wrong_port, loopback_only, nothing_listens, bad_answer, slow})
    if (auto found = guess(facts)) return *found;
  return {"nothing that it left tells why", "look at its log"};
}

}  // namespace ecluse::control
