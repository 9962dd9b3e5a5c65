#include "config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "config/units.h"
#include "model/key.h"

namespace ecluse::config {

namespace {

constexpr std::string_view kSecret = "secret:";

tl::unexpected<Wrong> no(std::string message = {}, std::string expected = {},
                         std::string nearest = {}) {
  return tl::unexpected(Wrong{std::move(message), std::move(expected), std::move(nearest)});
}

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// Unquoted words that other YAML readers take for something else must be quoted.
std::optional<Wrong> ambiguous(const Node& node) {
  if (node.quoted) return std::nullopt;
  const auto other = yaml_reads_as(node.text);
  if (other.empty()) return std::nullopt;
  return Wrong{fmt::format("is {}, which YAML reads as {}", printable(node.text, 60), other),
               fmt::format("a text in quotes, as \"{}\"", printable(node.text, 60)), ""};
}

std::optional<Wrong> bad_characters(std::string_view value) {
  const auto bad = std::ranges::find_if(
      value, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; });
  if (bad == value.end()) return std::nullopt;
  return Wrong{"holds a control character", "printable text", ""};
}

Scalar<std::string> read_text(const Node& node, const TextRule& rule) {
  if (auto wrong = ambiguous(node)) return tl::unexpected(*wrong);
  if (auto wrong = bad_characters(node.text)) return tl::unexpected(*wrong);
  if (node.text.empty() && !rule.may_be_empty) return no("is an empty text");
  if (node.text.starts_with(kSecret)) return no("names a secret, which cannot be used here");
  if (rule.check)
    if (auto wrong = rule.check(node.text)) return tl::unexpected(*wrong);
  return node.text;
}

Scalar<bool> read_boolean(const Node& node) {
  if (node.quoted) return no();
  if (node.text == "true" || node.text == "yes") return true;
  if (node.text == "false" || node.text == "no") return false;
  return no();
}

template <typename I>
Shape<I> whole_of(I min, I max, std::string expected) {
  const auto parse = [min, max](const Node& node) -> Scalar<I> {
    if (!node.quoted && node.text.size() > 1 && node.text[0] == '0' && is_digit(node.text[1]))
      return no(fmt::format("is {}, which YAML may read as an octal number", printable(node.text)),
                "a number without leading zeros");
    const auto value =
        node.quoted ? std::nullopt : parse_whole(node.text, static_cast<std::uint64_t>(max));
    if (!value || *value < static_cast<std::uint64_t>(min)) return no();
    return static_cast<I>(*value);
  };
  return scalar<I>({.kind = SchemaKind::kWhole,
                    .expected = std::move(expected),
                    .min = static_cast<double>(min),
                    .max = static_cast<double>(max)},
                   parse, [](const I& value) { return scalar_node(std::to_string(value)); });
}

template <typename I>
Shape<I> whole_between(I min, I max) {
  return whole_of<I>(min, max, fmt::format("a whole number from {} to {}", min, max));
}

Wrong out_of_range(std::string_view text, std::string_view min, std::string_view max) {
  return {fmt::format("is {}, out of range", text), fmt::format("from {} to {}", min, max), ""};
}

/// Numbers whose text says the same to every YAML reader: 8000, 0.5; not 012, 1.10, 1e3.
bool is_canonical_number(std::string_view text) {
  if (parse_whole(text, UINT64_MAX)) return true;
  return parse_decimal(text) && text.find('.') != std::string_view::npos && text.back() != '0';
}

Scalar<model::EnvValue> read_env_value(const Node& node) {
  if (auto wrong = bad_characters(node.text)) return tl::unexpected(*wrong);
  if (node.text.starts_with(kSecret)) {
    const std::string name = node.text.substr(kSecret.size());
    if (!is_variable_name(name))
      return no("has no valid secret name", "secret:NAME, the name of letters, digits and _");
    return model::SecretRef{name};
  }
  const auto wrong = ambiguous(node);
  if (wrong && !is_canonical_number(node.text)) return tl::unexpected(*wrong);
  return node.text;
}

Node write_env_value(const model::EnvValue& value) {
  if (const auto* secret = std::get_if<model::SecretRef>(&value))
    return text_node(std::string(kSecret) + secret->name);
  return text_node(std::get<std::string>(value));
}

Scalar<std::string> read_version(const Node& node) {
  const std::string& text = node.text;
  const bool whole = parse_whole(text, 10'000).has_value();
  if (!node.quoted && !whole && !yaml_reads_as(text).empty())
    return no(
        fmt::format("is the number {}: YAML does not tell 3.1 from 3.10", printable(text, 40)),
        fmt::format("the version in quotes, as \"{}\"", printable(text, 40)));
  if (!looks_like_version(text)) return no();
  return text;
}

std::optional<Wrong> outside_folder(std::string_view value) {
  const auto parts = split(value, '/');
  if (value.starts_with('/'))
    return Wrong{"is an absolute path", "a path inside the repository, as backend", ""};
  if (std::ranges::find(parts, "..") != parts.end())
    return Wrong{"leaves the repository", "a path without '..'", ""};
  if (value.find('\n') != std::string_view::npos) return Wrong{};
  return std::nullopt;
}

bool is_url_path(std::string_view value) {
  constexpr std::string_view kAllowed = "-._~!$&'()*+,;=:@%/?";
  if (!value.starts_with('/') || value.find("/../") != std::string_view::npos) return false;
  return std::ranges::all_of(value, [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           kAllowed.find(c) != std::string_view::npos;
  });
}

}  // namespace

bool is_variable_name(std::string_view text) {
  constexpr std::size_t kNameBytesMax = 128;
  return !text.empty() && text.size() <= kNameBytesMax && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c); });
}

bool looks_like_version(std::string_view text) {
  constexpr std::size_t kVersionBytesMax = 32;
  if (text.empty() || text.size() > kVersionBytesMax || !is_digit(text.front())) return false;
  return std::ranges::all_of(split(text, '.'), [](const std::string& part) {
    return !part.empty() && std::ranges::all_of(part, is_digit);
  });
}

Shape<std::string> text(TextRule rule) {
  Schema description{.kind = SchemaKind::kText, .expected = rule.expected, .pattern = rule.pattern};
  description.may_be_empty = rule.may_be_empty;
  return scalar<std::string>(
      std::move(description), [rule](const Node& node) { return read_text(node, rule); },
      [](const std::string& value) { return text_node(value); });
}

Shape<bool> boolean() {
  return scalar<bool>({.kind = SchemaKind::kBoolean, .expected = "yes or no (true or false)"},
                      read_boolean,
                      [](const bool& value) { return scalar_node(value ? "true" : "false"); });
}

Shape<int> whole(int min, int max) {
  return whole_between<int>(min, max);
}
Shape<std::uint32_t> whole32(std::uint32_t min, std::uint32_t max) {
  return whole_between<std::uint32_t>(min, max);
}
Shape<std::uint16_t> port_number() {
  return whole_of<std::uint16_t>(1, 65535, "a port from 1 to 65535");
}

Shape<double> decimal(double min, double max) {
  const auto parse = [min, max](const Node& node) -> Scalar<double> {
    const auto value = node.quoted ? std::nullopt : parse_decimal(node.text);
    if (!value || *value < min || *value > max) return no();
    return *value;
  };
  return scalar<double>({.kind = SchemaKind::kDecimal,
                         .expected = fmt::format("a number from {} to {}", min, max),
                         .min = min,
                         .max = max},
                        parse,
                        [](const double& value) { return scalar_node(fmt::format("{}", value)); });
}

Shape<double> share() {
  const auto parse = [](const Node& node) -> Scalar<double> {
    if (const auto value = parse_share(node.text); value && !node.quoted) return *value;
    const bool forgot_sign = !node.quoted && parse_decimal(node.text).has_value();
    return no("", "", forgot_sign ? node.text + "%" : "");
  };
  return scalar<double>(
      {.kind = SchemaKind::kAnyOf,
       .expected = "a share from 0% to 100%, as 10% or 0.1",
       .any_of = {make_schema({.kind = SchemaKind::kText, .pattern = "^[0-9]+(\\.[0-9]+)?%$"}),
                  make_schema({.kind = SchemaKind::kDecimal, .min = 0, .max = 1})}},
      parse, [](const double& value) { return scalar_node(write_share(value)); });
}

Shape<Duration> duration(Duration min, Duration max) {
  const auto parse = [min, max](const Node& node) -> Scalar<Duration> {
    const auto value = parse_duration(node.text);
    if (!value && parse_whole(node.text, UINT32_MAX))
      return no("is " + node.text + " without a unit", "", node.text + "s");
    if (!value) return no();
    if (*value < min || *value > max)
      return tl::unexpected(
          out_of_range(node.text, ecluse::to_string(min), ecluse::to_string(max)));
    return *value;
  };
  constexpr std::string_view kOne = "[0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w)";
  return scalar<Duration>(
      {.kind = SchemaKind::kText,
       .expected = "a duration, as 90s, 5m or 1h 30m",
       .pattern = fmt::format("^{0}( {0})*$", kOne)},
      parse, [](const Duration& value) { return text_node(ecluse::to_string(value)); });
}

Shape<std::uint64_t> size(std::uint64_t min, std::uint64_t max) {
  const auto parse = [min, max](const Node& node) -> Scalar<std::uint64_t> {
    const auto value = parse_size(node.text);
    if (!value && parse_whole(node.text, UINT64_MAX))
      return no("is " + node.text + " without a unit", "", node.text + "MB");
    if (!value) return no();
    if (*value < min || *value > max)
      return tl::unexpected(out_of_range(node.text, write_size(min), write_size(max)));
    return *value;
  };
  return scalar<std::uint64_t>(
      {.kind = SchemaKind::kText,
       .expected = "a size, as 512MB or 1GiB",
       .pattern = "^[0-9]+(\\.[0-9]+)?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$"},
      parse, [](const std::uint64_t& value) { return text_node(write_size(value)); });
}

Shape<std::string> version() {
  return scalar<std::string>(
      {.kind = SchemaKind::kAnyOf,
       .expected = "a version, as \"3.13\" or 20",
       .any_of = {make_schema({.kind = SchemaKind::kText, .pattern = "^[0-9]+(\\.[0-9]+)*$"}),
                  make_schema({.kind = SchemaKind::kWhole, .min = 0, .max = 10'000})}},
      read_version, [](const std::string& value) { return text_node(value); });
}

Shape<model::EnvValue> env_value() {
  return scalar<model::EnvValue>(
      {.kind = SchemaKind::kAnyOf,
       .expected = "a text, a number or secret:NAME",
       .any_of = {make_schema({.kind = SchemaKind::kText, .may_be_empty = true}),
                  make_schema({.kind = SchemaKind::kDecimal})}},
      read_env_value, write_env_value);
}

TextRule command_rule() {
  return {.expected = "a command", .pattern = "", .check = nullptr};
}

TextRule one_line_command_rule() {
  const auto check = [](std::string_view value) -> std::optional<Wrong> {
    if (trim(value).find('\n') == std::string_view::npos) return std::nullopt;
    return Wrong{"has several lines", "one command; put the rest into a script", ""};
  };
  return {.expected = "a command", .pattern = "", .check = check};
}

TextRule folder_rule() {
  return {.expected = "a path inside the repository", .pattern = "^[^/]", .check = outside_folder};
}

TextRule url_path_rule() {
  const auto check = [](std::string_view value) {
    return is_url_path(value) ? std::nullopt : std::optional(Wrong{});
  };
  return {.expected = "a path of the site, as /health", .pattern = "^/", .check = check};
}

TextRule any_line_rule(std::string expected) {
  const auto check = [](std::string_view value) {
    return value.find('\n') == std::string_view::npos ? std::nullopt : std::optional(Wrong{});
  };
  return {.expected = std::move(expected), .pattern = "", .check = check};
}

KeyRule name_key() {
  return {"^[a-z][a-z0-9-]{0,31}$",
          "a name of at most 32 lower-case letters, digits and '-', a letter first",
          model::is_name};
}

KeyRule variable_key() {
  return {"^[A-Za-z_][A-Za-z0-9_]*$", "a variable's name of letters, digits and _",
          is_variable_name};
}

KeyRule page_key() {
  const auto check = [](std::string_view key) {
    return key == "500" || key == "502" || key == "503" || key == "504" || key == "maintenance";
  };
  return {"^(500|502|503|504|maintenance)$", "one of 500, 502, 503, 504, maintenance", check};
}

KeyRule url_path_key() {
  return {"^/", "a path of the site, as /static", is_url_path};
}

}  // namespace ecluse::config
