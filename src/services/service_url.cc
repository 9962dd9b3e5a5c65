#include "services/service_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace ecluse::services {

namespace {
using model::ServiceKind;

tl::unexpected<Error> wrong(std::string_view part, std::string_view why) {
  return fail(ErrorKind::kInvalid, fmt::format("the {} of the service's URL {}", part, why),
              "expected for example postgresql://user:password@host:5432/database?sslmode=require "
              "or redis://:password@host:6379/0");
}

struct Scheme {
  ServiceKind kind;
  std::uint16_t port;
  bool tls;
};

std::optional<Scheme> scheme_of(std::string_view name) {
  const auto plain = name.substr(0, name.find('+'));
  const bool has_driver = plain.size() != name.size();
  if (plain == "postgres" || plain == "postgresql")
    return Scheme{ServiceKind::kPostgres, 5432, false};
  if (plain == "mysql" || plain == "mariadb") return Scheme{ServiceKind::kMariadb, 3306, false};
  if (name == "redis" && !has_driver) return Scheme{ServiceKind::kRedis, 6379, false};
  if (name == "rediss" && !has_driver) return Scheme{ServiceKind::kRedis, 6379, true};
  return std::nullopt;
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// Nothing when an escape is not one, or what it stands for cannot be in a variable.
std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    result += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  if (result.find('\0') != std::string::npos) return std::nullopt;
  return result;
}

struct Parts {
  std::string_view scheme, user_info, host, port, path, query;
};

/// Takes what stands before `separator` off `rest`; nothing when it does not occur.
std::optional<std::string_view> take_before(std::string_view& rest, std::string_view separator) {
  const auto at = rest.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const auto taken = rest.substr(0, at);
  rest.remove_prefix(at + separator.size());
  return taken;
}

std::string_view take_after(std::string_view& rest, char separator) {
  const auto at = rest.find(separator);
  if (at == std::string_view::npos) return {};
  const auto taken = rest.substr(at + 1);
  rest = rest.substr(0, at);
  return taken;
}

Result<void> split_authority(std::string_view authority, Parts& parts) {
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    parts.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  if (authority.starts_with('[')) {
    authority.remove_prefix(1);
    const auto host = take_before(authority, "]");
    if (!host) return wrong("host", "has a '[' without a ']'");
    parts.host = *host;
    if (authority.empty()) return {};
    if (!authority.starts_with(':')) return wrong("host", "is followed by something odd");
    parts.port = authority.substr(1);
    return {};
  }
  parts.port = take_after(authority, ':');
  parts.host = authority;
  return {};
}

Result<Parts> split_url(std::string_view text) {
  Parts parts;
  const auto scheme = take_before(text, "://");
  if (!scheme) return wrong("scheme", "is missing");
  parts.scheme = *scheme;
  if (text.find('#') != std::string_view::npos) {
    return wrong("text", "has a '#': write %23 for one in the password");
  }
  parts.query = take_after(text, '?');
  parts.path = take_after(text, '/');
  ECLUSE_TRY(split_authority(text, parts));
  return parts;
}

Result<std::string> decode(std::string_view part, std::string_view text) {
  auto result = decoded(text);
  if (!result) return wrong(part, "has an escape that is not one: write %25 for a plain '%'");
  return std::move(*result);
}

Result<std::uint16_t> port_of(std::string_view text, std::uint16_t usual) {
  if (text.empty()) return usual;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error == std::errc() && end == text.data() + text.size() && port != 0) return port;
  return wrong("port", "is not a number from 1 to 65535");
}

Result<std::string> host_of(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:").find(c) != std::string_view::npos;
  };
  if (text.empty()) return wrong("host", "is missing");
  if (text.find(',') != std::string_view::npos) {
    return wrong("host", "is a list; one host is understood so far");
  }
  if (!std::all_of(text.begin(), text.end(), fits)) return wrong("host", "is not a host name");
  return std::string(text);
}

Result<std::map<std::string, std::string>> options_of(std::string_view query) {
  std::map<std::string, std::string> options;
  if (query.empty()) return options;
  for (const auto& pair : split(query, '&')) {
    std::string_view name = pair;
    const auto value = take_after(name, '=');
    ECLUSE_ASSIGN(std::string key, decode("query", name));
    ECLUSE_ASSIGN(std::string decoded_value, decode("query", value));
    if (key.empty()) return wrong("query", "has an option without a name");
    if (!options.emplace(key, std::move(decoded_value)).second) {
      return wrong("query", "gives " + printable(key, 40) + " twice");
    }
  }
  return options;
}

Result<bool> demands_tls(const std::map<std::string, std::string>& options) {
  static constexpr std::array<std::string_view, 6> kModes = {"disable", "allow",     "prefer",
                                                             "require", "verify-ca", "verify-full"};
  const auto found = options.find("sslmode");
  if (found == options.end()) return false;
  const auto* mode = std::find(kModes.begin(), kModes.end(), found->second);
  if (mode == kModes.end()) {
    return wrong("sslmode", "is not disable, allow, prefer, require, verify-ca or verify-full");
  }
  return mode - kModes.begin() >= 3;
}

Result<void> check_database(const ServiceUrl& url) {
  if (url.database.find('/') != std::string::npos) return wrong("path", "has several parts");
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (url.kind != ServiceKind::kRedis) {
    if (url.database.empty()) return wrong("database", "is missing: end it with /NAME");
    return {};
  }
  if (std::all_of(url.database.begin(), url.database.end(), digit)) return {};
  return wrong("database", "is not a number, as Redis counts them");
}

Result<void> read_user(std::string_view user_info, ServiceUrl& url) {
  const auto password = take_after(user_info, ':');
  ECLUSE_ASSIGN(url.user, decode("user", user_info));
  ECLUSE_ASSIGN(url.password, decode("password", password));
  return {};
}
}  // namespace

Result<ServiceUrl> parse_service_url(std::string_view text) {
  if (text.empty()) return wrong("text", "is empty");
  const auto odd = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), odd)) return wrong("text", "has a space or a line end");
  ECLUSE_ASSIGN(const Parts parts, split_url(text));
  const auto scheme = scheme_of(parts.scheme);
  if (!scheme) {
    return wrong("scheme", fmt::format("'{}' is not one of postgres, postgresql, mysql, mariadb, "
                                       "redis, rediss",
                                       printable(parts.scheme, 40)));
  }
  ServiceUrl url{
      .kind = scheme->kind, .text = std::string(text), .scheme = std::string(parts.scheme)};
  ECLUSE_TRY(read_user(parts.user_info, url));
  ECLUSE_ASSIGN(url.host, host_of(parts.host));
  ECLUSE_ASSIGN(url.port, port_of(parts.port, scheme->port));
  ECLUSE_ASSIGN(url.database, decode("database", parts.path));
  ECLUSE_ASSIGN(url.options, options_of(parts.query));
  ECLUSE_ASSIGN(const bool by_mode, demands_tls(url.options));
  url.tls = scheme->tls || by_mode;
  ECLUSE_TRY(check_database(url));
  return url;
}

ServiceUrl with_driver(ServiceUrl url, std::string_view driver) {
  if (driver.empty() || url.scheme.find('+') != std::string::npos) return url;
  // SQLAlchemy knows no driver of "postgres".
  const auto plain = url.scheme == "postgres" ? std::string("postgresql") : url.scheme;
  const auto scheme = plain + "+" + std::string(driver);
  url.text = scheme + url.text.substr(url.scheme.size());
  url.scheme = scheme;
  return url;
}

std::string percent_encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._~").find(c) != std::string_view::npos;
    result += safe ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

}  // namespace ecluse::services
