#include <fmt/format.h>

#include "config/parse.h"
#include "config/table.h"

namespace ecluse::config {

namespace {

constexpr int kCommentColumn = 56;

/// Writes one environment as YAML, with the origin of each value behind it.
class Writer {
 public:
  Writer(const Origins& origins, std::string& out) : origins_(origins), out_(out) {}

  void map(const Node& node, const std::string& path, int indent) {
    for (const auto& [key, place, value] : node.entries) {
      const std::string under = path.empty() ? key : path + "." + key;
      entry(in_one_line(text_node(key)) + ":", value, under, indent);
    }
  }

 private:
  void entry(const std::string& head, const Node& value, const std::string& path, int indent) {
    const bool empty = value.items.empty() && value.entries.empty();
    if (value.kind == NodeKind::kScalar || empty)
      return line(indent, head + " " + in_one_line(value), path);
    line(indent, head, path);
    if (value.kind == NodeKind::kMap) return map(value, path, indent + 2);
    for (std::size_t i = 0; i < value.items.size(); ++i)
      item(value.items[i], fmt::format("{}[{}]", path, i), indent + 2);
  }

  void item(const Node& value, const std::string& path, int indent) {
    if (value.kind != NodeKind::kMap || value.entries.empty())
      return line(indent, "- " + in_one_line(value), path);
    bool first = true;
    for (const auto& [key, place, inner] : value.entries) {
      const std::string head = in_one_line(text_node(key)) + ":";
      if (first)
        entry("- " + head, inner, path + "." + key, indent);
      else
        entry(head, inner, path + "." + key, indent + 2);
      first = false;
    }
  }

  void line(int indent, const std::string& text, const std::string& path) {
    const std::string body = std::string(static_cast<std::size_t>(indent), ' ') + text;
    out_ += fmt::format("{:<{}}  # {}\n", body, kCommentColumn, origin_words(path));
  }

  std::string origin_words(const std::string& path) const {
    const auto found = origins_.find(path);
    if (found == origins_.end()) return "default";
    return fmt::format("{}, line {}", found->second.layer, found->second.place.line);
  }

  const Origins& origins_;
  std::string& out_;
};

}  // namespace

std::string explain(const Parsed& parsed) {
  std::string out = fmt::format(
      "# {} with every default filled in: one complete record per environment.\n"
      "# Behind each value: where it comes from.\napp: {}\nenvironments:\n",
      parsed.file, in_one_line(text_node(parsed.spec.app)));
  for (const auto& environment : parsed.spec.environments) {
    out += fmt::format("  {}:\n", environment.name);
    Writer(parsed.origins.at(environment.name), out)
        .map(environment_shape().write(environment), "", 4);
  }
  return out;
}

}  // namespace ecluse::config
