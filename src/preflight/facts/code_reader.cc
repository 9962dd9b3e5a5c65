#include "preflight/facts/code_reader.h"

#include <algorithm>
#include <iterator>

namespace ecluse::preflight {

std::string cut(std::string_view text) {
  return std::string(text.substr(0, kValueBytesMax));
}

std::string without_quotes(std::string_view text) {
  std::string out;
  std::ranges::copy_if(text.substr(0, kValueBytesMax), std::back_inserter(out),
                       [](char c) { return c != '"' && c != '\'' && c != ' ' && c != '\n'; });
  return out;
}

void read_items(const Syntax& node, int depth, Value& value, Item (*item_of)(const Syntax&, int)) {
  if (node.null()) return;
  for (const auto& child : node.children()) {
    if (value.items.size() >= kItemsMax) return;
    if (child.type() != "comment") value.items.push_back(item_of(child, depth + 1));
  }
}

bool CodeReader::goes_on(int depth) {
  const bool within =
      depth <= kTreeDepthMax && out_.calls.size() + out_.assignments.size() <= kStatementsMax;
  out_.truncated |= !within;
  return within;
}

void CodeReader::children(const Syntax& node, const Scope& scope, int depth) {
  for (const auto& child : node.children()) visit(child, scope, depth + 1);
}

void CodeReader::attempt(const Syntax& node, const Scope& scope, int depth,
                         std::string_view handler) {
  for (const auto& child : node.children()) {
    Scope inner = scope;
    inner.guarded = true;
    inner.handler |= child.type() == handler;
    visit(child, inner, depth + 1);
  }
}

void CodeReader::raise(const Syntax& node, const Scope& scope) {
  out_.raises.push_back({scope, node.place(), cut(node.text())});
}

void CodeReader::compare(const Syntax& left, Value literal, const Scope& scope, Place place) {
  out_.comparisons.push_back({without_quotes(left.text()), std::move(literal), scope, place});
}

CodeFile code_file(std::string_view path, Language language) {
  CodeFile file;
  file.path = std::string(path);
  file.language = language;
  file.test = is_test_path(path);
  file.production = is_production_path(path);
  return file;
}

void read_tree(Grammar grammar, std::string_view source, CodeReader& reader, CodeFile& file) {
  const auto tree = SyntaxTree::parse(grammar, source);
  if (!tree) {
    file.truncated = true;
    return;
  }
  reader.visit(tree->root(), {}, 0);
}

}  // namespace ecluse::preflight
