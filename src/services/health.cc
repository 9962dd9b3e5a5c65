#include "services/health.h"

#include <fmt/format.h>

#include "base/text.h"
#include "os/subprocess.h"
#include "services/dialogue.h"

namespace ecluse::services {

namespace {
using model::ServiceKind;
using std::chrono::milliseconds;

std::string big_endian(std::uint32_t number) {
  return {static_cast<char>(number >> 24U), static_cast<char>(number >> 16U),
          static_cast<char>(number >> 8U), static_cast<char>(number)};
}

std::uint32_t read_big_endian(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8U | static_cast<unsigned char>(bytes[i]);
  return number;
}

/// PostgreSQL's StartupMessage, protocol 3.0 (documentation, "Message Formats").
std::string startup_message(const ServiceUrl& url) {
  std::string body = big_endian(196608);
  for (const auto& text : {std::string("user"), url.user, std::string("database"), url.database}) {
    body += text + '\0';
  }
  body += '\0';
  return big_endian(static_cast<std::uint32_t>(body.size() + 4)) + body;
}

/// The human field of an ErrorResponse: fields are a type byte and a zero-terminated text.
std::string message_field(std::string_view fields) {
  while (!fields.empty() && fields[0] != '\0') {
    const auto end = fields.find('\0');
    if (fields[0] == 'M') return printable(fields.substr(1, end - 1));
    if (end == std::string_view::npos) break;
    fields.remove_prefix(end + 1);
  }
  return "an error without a message";
}

Result<void> greet_postgres(const ServiceUrl& url, milliseconds timeout) {
  constexpr std::size_t kHeader = 5;  // type, length
  constexpr std::uint32_t kLengthMax = 16 * 1024;
  ECLUSE_ASSIGN(Dialogue dialogue, Dialogue::open(url.host, url.port, timeout));
  ECLUSE_TRY(dialogue.say(startup_message(url)));
  ECLUSE_ASSIGN(const std::string_view head, dialogue.hear(kHeader));
  if (head[0] == 'R') return {};  // it asks who we are: it accepts connections
  const auto length = read_big_endian(head.substr(1));
  if (head[0] != 'E' || length > kLengthMax) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("{}:{} is not PostgreSQL", url.host, url.port));
  }
  ECLUSE_ASSIGN(const std::string_view whole, dialogue.hear(length + 1));
  return fail(ErrorKind::kUnavailable, message_field(whole.substr(kHeader)));
}

/// The first packet is the server's: length, number, protocol version 10.
Result<void> greet_mysql(const ServiceUrl& url, milliseconds timeout) {
  ECLUSE_ASSIGN(Dialogue dialogue, Dialogue::open(url.host, url.port, timeout));
  ECLUSE_ASSIGN(const std::string_view packet, dialogue.hear(5));
  if (packet[4] == 10) return {};
  return fail(ErrorKind::kUnavailable,
              fmt::format("{}:{} refuses connections, or is not MariaDB", url.host, url.port));
}

/// A command as an array of bulk strings (RESP): nothing in a password can end it early.
std::string redis_command(std::initializer_list<std::string_view> words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const auto word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

Result<void> ping_redis(const ServiceUrl& url, milliseconds timeout) {
  ECLUSE_ASSIGN(Dialogue dialogue, Dialogue::open(url.host, url.port, timeout));
  const std::string user = url.user.empty() ? "default" : url.user;
  std::string expected = "+PONG\r\n";
  if (!url.password.empty()) {
    expected = "+OK\r\n" + expected;
    ECLUSE_TRY(dialogue.say(redis_command({"AUTH", user, url.password})));
  }
  ECLUSE_TRY(dialogue.say(redis_command({"PING"})));
  std::string_view answer;
  for (std::size_t bytes = 1; answer.size() < expected.size(); bytes = answer.size() + 1) {
    ECLUSE_ASSIGN(answer, dialogue.hear(bytes));
    if (!expected.starts_with(answer.substr(0, expected.size()))) break;
  }
  if (answer.starts_with(expected)) return {};
  const auto line = answer.substr(0, answer.find("\r\n"));
  return fail(ErrorKind::kUnavailable,
              fmt::format("{}:{} answers {}", url.host, url.port, printable(line)));
}

/// redis-cli speaks TLS for us. Its exit code is 0 even for an error answer.
Result<void> ping_redis_tls(const ServiceUrl& url, milliseconds timeout) {
  os::Command command{
      .argv = {"redis-cli", "--tls", "-h", url.host, "-p", std::to_string(url.port), "PING"},
      .env = {{"REDISCLI_AUTH", url.password}},
      .timeout = timeout};
  if (!url.user.empty()) command.argv.insert(command.argv.end() - 1, {"--user", url.user});
  ECLUSE_ASSIGN(const std::string answer, os::output_of(command));
  if (trim(answer) == "PONG") return {};
  return fail(ErrorKind::kUnavailable,
              fmt::format("{}:{} answers {}", url.host, url.port, printable(trim(answer))));
}

}  // namespace

std::map<std::string, std::string> psql_environment(const ServiceUrl& url, milliseconds timeout) {
  const auto seconds = std::max<std::int64_t>(2, timeout.count() / 1000);
  std::map<std::string, std::string> env = {
      {"PGHOST", url.host},         {"PGPORT", std::to_string(url.port)},
      {"PGUSER", url.user},         {"PGPASSWORD", url.password},
      {"PGDATABASE", url.database}, {"PGCONNECT_TIMEOUT", std::to_string(seconds)},
      {"PGPASSFILE", "/dev/null"},  {"PGSERVICEFILE", "/dev/null"},
      {"HOME", "/nonexistent"},     {"LC_ALL", "C.UTF-8"},
      {"PATH", "/usr/bin:/bin"}};
  for (const auto& [option, variable] :
       {std::pair("sslmode", "PGSSLMODE"), std::pair("sslrootcert", "PGSSLROOTCERT"),
        std::pair("options", "PGOPTIONS")}) {
    const auto found = url.options.find(option);
    if (found != url.options.end()) env[variable] = found->second;
  }
  return env;
}
Result<void> greet(const ServiceUrl& url, milliseconds timeout) {
  switch (url.kind) {
    case ServiceKind::kPostgres:
      return greet_postgres(url, timeout);
    case ServiceKind::kMariadb:
      return greet_mysql(url, timeout);
    case ServiceKind::kRedis:
      return url.tls ? ping_redis_tls(url, timeout) : ping_redis(url, timeout);
    case ServiceKind::kMongodb:
      break;
  }
  return fail(ErrorKind::kRefused, "mongodb is not available yet");
}

Result<std::string> run_sql(const ServiceUrl& url, const std::filesystem::path& psql,
                            const std::string& sql, milliseconds timeout) {
  auto output = os::output_of(
      {.argv = {psql.string(), "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-"},
       .env = psql_environment(url, timeout),
       .clean_env = true,
       .input = sql,
       .timeout = timeout});
  if (output || output.error().kind != ErrorKind::kInternal) return output;
  return fail(ErrorKind::kUnavailable, output.error().message);
}

Result<void> log_in(const ServiceUrl& url, const std::filesystem::path& psql,
                    milliseconds timeout) {
  if (url.kind != ServiceKind::kPostgres) return greet(url, timeout);
  ECLUSE_ASSIGN(const std::string answer, run_sql(url, psql, "SELECT 1;\n", timeout));
  if (trim(answer) == "1") return {};
  return fail(ErrorKind::kInternal, fmt::format("SELECT 1 answered {}", printable(answer)));
}

}  // namespace ecluse::services
