#include "config/rules.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>

#include "base/text.h"
#include "config/alert_rule.h"
#include "config/condition.h"
#include "config/schedule.h"
#include "config/units.h"
#include "model/key.h"

namespace ecluse::config::rules {

namespace {

std::optional<Wrong> from_error(const Error& error) {
  return Wrong{fmt::format("is wrong: {}", error.message), error.hint, ""};
}

template <typename Predicate>
auto must(Predicate predicate) {
  return [predicate](std::string_view value) {
    return predicate(value) ? std::nullopt : std::optional(Wrong{});
  };
}

bool is_rule_id(std::string_view value) {
  const auto dash = value.find('-');
  if (dash == 0 || dash == std::string_view::npos || value.size() != dash + 4) return false;
  return std::ranges::all_of(value.substr(0, dash), [](char c) { return c >= 'A' && c <= 'Z'; }) &&
         std::ranges::all_of(value.substr(dash + 1), [](char c) { return c >= '0' && c <= '9'; });
}

/// A day of the calendar, as ISO 8601 writes it.
bool is_day(std::string_view value) {
  if (value.size() != 10 || value[4] != '-' || value[7] != '-') return false;
  const auto number = [&](std::size_t at, std::size_t digits) {
    unsigned read = 0;
    const char* const begin = value.data() + at;
    const auto parsed = std::from_chars(begin, begin + digits, read);
    return parsed.ptr == begin + digits ? static_cast<int>(read) : -1;
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  return year >= 0 && month > 0 && day > 0 && (std::chrono::year(year) / month / day).ok();
}

bool is_label(std::string_view label) {
  constexpr std::size_t kLabelBytesMax = 63;
  if (label.empty() || label.size() > kLabelBytesMax) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::optional<Wrong> check_host(std::string_view value) {
  constexpr std::size_t kHostBytesMax = 253;
  std::string small(value);
  std::ranges::transform(small, small.begin(), [](unsigned char c) { return std::tolower(c); });
  if (small != value) return Wrong{"has capital letters", "a host in lower case", small};
  if (value.find("://") != std::string_view::npos || value.find('/') != std::string_view::npos)
    return Wrong{"is an address, not a host", "a host name without scheme and path", ""};
  if (value.find(':') != std::string_view::npos)
    return Wrong{"has a port", "a host name alone; the gateway knows its ports", ""};
  std::string_view rest = value;
  if (rest.starts_with("*.")) rest.remove_prefix(2);
  const bool good =
      value.size() <= kHostBytesMax && std::ranges::all_of(split(rest, '.'), is_label);
  return good ? std::nullopt : std::optional(Wrong{});
}

std::optional<Wrong> check_address(std::string_view value) {
  const std::size_t slash = value.find('/');
  const std::string address(value.substr(0, slash));
  in6_addr bytes{};
  const bool v4 = inet_pton(AF_INET, address.c_str(), &bytes) == 1;
  const bool v6 = !v4 && inet_pton(AF_INET6, address.c_str(), &bytes) == 1;
  if (!v4 && !v6) return Wrong{};
  if (slash == std::string_view::npos) return std::nullopt;
  return parse_whole(value.substr(slash + 1), v4 ? 32 : 128) ? std::nullopt
                                                             : std::optional(Wrong{});
}

std::optional<Wrong> check_volume(std::string_view value) {
  constexpr std::string_view kRoot = "/app/";
  if (!value.starts_with(kRoot) || value.size() == kRoot.size() || value.ends_with('/'))
    return Wrong{};
  const auto parts = split(value.substr(kRoot.size()), '/');
  const bool good = std::ranges::none_of(
      parts, [](const auto& part) { return part.empty() || part == "." || part == ".."; });
  return good ? std::nullopt : std::optional(Wrong{});
}

/// The rules of git-check-ref-format that a typing error can break.
bool is_branch(std::string_view value) {
  constexpr std::string_view kForbidden = " ~^:?*[\\\n\t";
  return value.size() <= 200 && value.find_first_of(kForbidden) == std::string_view::npos &&
         value.find("..") == std::string_view::npos && !value.starts_with('-') &&
         !value.starts_with('/') && !value.ends_with('/') && !value.ends_with(".lock");
}

bool is_word(std::string_view value) {
  constexpr std::size_t kWordBytesMax = 64;
  return value.size() <= kWordBytesMax &&
         std::ranges::all_of(value, [](unsigned char c) { return std::isgraph(c) != 0; });
}

bool is_one_line(std::string_view value) {
  return value.find('\n') == std::string_view::npos;
}

bool is_monitor_url(std::string_view value) {
  const bool address = value.starts_with("http://") || value.starts_with("https://");
  return (address || value.starts_with('/')) && value.find_first_of(" \n\t") == value.npos;
}

bool is_backup_target(std::string_view value) {
  constexpr std::array<std::string_view, 3> kSchemes{"s3://", "az://", "/"};
  return is_one_line(value) && std::ranges::any_of(kSchemes, [&](auto scheme) {
           return value.starts_with(scheme) && value.size() > scheme.size();
         });
}

TextRule name(std::string what) {
  const KeyRule rule = name_key();
  return {.expected = std::move(what) + " of at most 32 lower-case letters, digits and '-'",
          .pattern = rule.pattern,
          .check = must(model::is_name)};
}

}  // namespace

TextRule app_name() {
  return name("a name");
}

TextRule environment_name() {
  return name("the name of another environment,");
}

TextRule server_file() {
  return {.expected = "a file on the server, as /etc/ssl/shop.pem",
          .pattern = "^/",
          .check = must([](std::string_view value) {
            return value.size() > 1 && value.starts_with('/') && is_one_line(value);
          })};
}

TextRule https_address() {
  return {.expected = "an address, as https://acme.example.org/directory",
          .pattern = "^https://",
          .check = must([](std::string_view value) {
            return value.starts_with("https://") && value.find_first_of(" \n\t") == value.npos;
          })};
}

TextRule mail_address() {
  return {.expected = "an e-mail address, as ops@example.org",
          .pattern = "^[^@ ]+@[^@ ]+$",
          .check = must([](std::string_view value) {
            const auto at = value.find('@');
            return at != value.npos && at > 0 && at + 1 < value.size() &&
                   value.find('@', at + 1) == value.npos &&
                   value.find_first_of(" \n\t") == value.npos;
          })};
}

TextRule host() {
  return {.expected = "a host name, as shop.example.org or *.example.org",
          .pattern = "^(\\*\\.)?[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$",
          .check = check_host};
}

TextRule address_block() {
  return {
      .expected = "an IP address or block, as 10.0.0.0/8", .pattern = "", .check = check_address};
}

TextRule volume_path() {
  return {.expected = "a folder below /app, as /app/media",
          .pattern = "^/app/.*[^/]$",
          .check = check_volume};
}

TextRule branch() {
  return {.expected = "a branch name, as main", .pattern = "", .check = must(is_branch)};
}

TextRule confirmation() {
  return {.expected = "one word to type, as DEPLOY", .pattern = "^\\S+$", .check = must(is_word)};
}

TextRule person() {
  return {.expected = "the name of a person or a group", .pattern = "", .check = must(is_one_line)};
}

TextRule rule_id() {
  return {.expected = "the id of a rule of ecluse check, as DB-001",
          .pattern = "^[A-Z]+-[0-9]{3}$",
          .check = must(is_rule_id)};
}

TextRule waived_path() {
  return {
      .expected = "a file or folder of the repository", .pattern = "", .check = must(is_one_line)};
}

TextRule reason() {
  return {.expected = "why, in one line", .pattern = "", .check = must(is_one_line)};
}

TextRule day() {
  return {.expected = "a day, as \"2026-12-31\"",
          .pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
          .check = must(is_day)};
}

TextRule schedule() {
  const auto check = [](std::string_view value) -> std::optional<Wrong> {
    const auto good = check_schedule(value);
    if (good) return std::nullopt;
    return Wrong{fmt::format("is wrong: {}", good.error().message), "", ""};
  };
  return {.expected = "15m, hour, day at 03:00, monday at 08:30, or five cron fields",
          .pattern = "",
          .check = check};
}

TextRule abort_condition() {
  const auto check = [](std::string_view value) -> std::optional<Wrong> {
    const auto parsed = parse_condition(value);
    return parsed ? std::nullopt : from_error(parsed.error());
  };
  return {.expected = "a condition, as errors > 5%", .pattern = "^.+ > .+$", .check = check};
}

TextRule alert_rule() {
  const auto check = [](std::string_view value) -> std::optional<Wrong> {
    const auto parsed = parse_alert_rule(value);
    return parsed ? std::nullopt : from_error(parsed.error());
  };
  return {.expected = "an alert, as cpu > 80% for 5m -> slack",
          .pattern = "^.+ [<>] .+ -> .+$",
          .check = check};
}

TextRule backup_target() {
  return {.expected = "s3://BUCKET/PATH, az://CONTAINER/PATH or a folder of this machine",
          .pattern = "",
          .check = must(is_backup_target)};
}

TextRule monitor_url() {
  return {.expected = "a path as /, or an address as https://example.org/",
          .pattern = "^(/|https?://)",
          .check = must(is_monitor_url)};
}

TextRule expected_text() {
  return {.expected = "a text the page holds", .pattern = "", .check = must(is_one_line)};
}

TextRule driver_name() {
  const auto plain = [](std::string_view value) {
    return !value.empty() && value.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
                                 std::string_view::npos;
  };
  return {.expected = "a driver's name, as asyncpg or psycopg",
          .pattern = "^[a-z0-9_]+$",
          .check = must(plain)};
}

std::optional<Wrong> variable_name(std::string_view value) {
  return is_variable_name(value) ? std::nullopt : std::optional(Wrong{});
}

void kind_from_url(const Node& node, Reader&, model::ServiceSpec& into) {
  using model::ServiceKind;
  struct Scheme {
    std::string_view start;
    ServiceKind kind;
  };
  constexpr std::array<Scheme, 7> kSchemes{{{"postgres://", ServiceKind::kPostgres},
                                            {"postgresql://", ServiceKind::kPostgres},
                                            {"redis://", ServiceKind::kRedis},
                                            {"rediss://", ServiceKind::kRedis},
                                            {"mysql://", ServiceKind::kMariadb},
                                            {"mariadb://", ServiceKind::kMariadb},
                                            {"mongodb://", ServiceKind::kMongodb}}};
  const Node* url = node.find("url");
  if (url == nullptr || node.find("kind") != nullptr) return;
  for (const auto& [start, kind] : kSchemes)
    if (url->text.starts_with(start)) into.kind = kind;
}

}  // namespace ecluse::config::rules
