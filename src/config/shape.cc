#include "config/shape.h"

#include <fmt/format.h>

#include <algorithm>

namespace ecluse::config {

namespace {

bool is_plain(std::string_view text) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./";
  constexpr std::string_view kInside = "-@%+=:> ";
  if (text.empty() || kLetters.find(text.front()) == std::string_view::npos) return false;
  if (text.back() == ' ' || text.back() == ':' || !yaml_reads_as(text).empty()) return false;
  for (const char c : text)
    if (kLetters.find(c) == std::string_view::npos && kInside.find(c) == std::string_view::npos)
      return false;
  return text.find(": ") == std::string_view::npos && text != "null" && text != "Null" &&
         text != "NULL";
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", c);
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (byte < 0x20 || byte == 0x7F)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out + '"';
}

/// `secret: NAME` with a space is a map to YAML.
const Node* spaced_secret(const Node& node) {
  return node.entries.size() == 1 ? node.find("secret") : nullptr;
}

std::string inside(const Reader& reader) {
  const std::string path = reader.shown_path();
  return path.empty() ? "" : " in " + path;
}

template <typename Each, typename Range>
std::string joined(const Range& range, std::string_view open, std::string_view close, Each each) {
  std::string out(open);
  for (const auto& value : range) {
    if (out.size() > open.size()) out += ", ";
    out += each(value);
  }
  return out + std::string(close);
}

}  // namespace

Node scalar_node(std::string text) {
  return {.kind = NodeKind::kScalar, .text = std::move(text)};
}

Node text_node(std::string text) {
  const bool quoted = !is_plain(text);
  return {.kind = NodeKind::kScalar, .text = std::move(text), .quoted = quoted};
}

bool same_value(const Node& a, const Node& b) {
  return in_one_line(a) == in_one_line(b);
}

std::string in_one_line(const Node& node) {
  switch (node.kind) {
    case NodeKind::kNull:
      return "null";
    case NodeKind::kScalar:
      return node.quoted ? in_quotes(node.text) : node.text;
    case NodeKind::kList:
      return joined(node.items, "[", "]", in_one_line);
    case NodeKind::kMap:
      return joined(node.entries, "{", "}", [](const Entry& entry) {
        return in_one_line(text_node(entry.key)) + ": " + in_one_line(entry.value);
      });
  }
  return "";
}

SchemaPtr make_schema(Schema schema) {
  return std::make_shared<const Schema>(std::move(schema));
}

std::string one_of(const std::vector<std::string>& words) {
  if (words.size() == 1) return words.front();
  return "one of " + join(words, ", ");
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kPrefixBytesMin = 3;
  if (const auto near = nearest(word, candidates)) return *near;
  if (word.size() < kPrefixBytesMin) return "";
  const auto begins =
      std::ranges::find_if(candidates, [&](const auto& each) { return each.starts_with(word); });
  return begins == candidates.end() ? "" : *begins;
}

void report(const Wrong& wrong, const Node& node, const Schema& schema, Reader& reader) {
  const std::string& expected = wrong.expected.empty() ? schema.expected : wrong.expected;
  if (const Node* name = spaced_secret(node))
    return reader.wrong(node, expected, "secret:" + printable(name->text, 60));
  if (wrong.message.empty()) return reader.wrong(node, expected, wrong.nearest);
  reader.error(node.place, fmt::format("{} {}", reader.shown_path(), wrong.message), expected,
               wrong.nearest);
}

void report_unknown_key(const Entry& entry, const Schema& schema, Reader& reader) {
  std::vector<std::string> names;
  for (const auto& key : schema.keys) names.push_back(key.name);
  const std::string message =
      fmt::format("unknown key '{}'{}", printable(entry.key, 60), inside(reader));
  const Reader::Scope scope(reader, entry.key);
  reader.error(entry.place, message, one_of(names), suggestion(entry.key, names));
}

void report_missing_keys(const Node& node, const Schema& schema, Reader& reader) {
  for (const auto& key : schema.keys) {
    if (!key.required || node.find(key.name) != nullptr) continue;
    reader.error(node.place, fmt::format("key '{}' is missing{}", key.name, inside(reader)),
                 key.value->expected);
  }
}

}  // namespace ecluse::config
