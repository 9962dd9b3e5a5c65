#include "preflight/facts/syntax.h"

#include <algorithm>
#include <array>

extern "C" {
const TSLanguage* tree_sitter_python();
const TSLanguage* tree_sitter_tsx();
const TSLanguage* tree_sitter_bash();
}

namespace ecluse::preflight {

namespace {

const TSLanguage* language_of(Grammar grammar) {
  switch (grammar) {
    case Grammar::kPython:
      return tree_sitter_python();
    case Grammar::kTsx:
      return tree_sitter_tsx();
    case Grammar::kBash:
      return tree_sitter_bash();
  }
  return nullptr;
}

struct DeleteParser {
  void operator()(TSParser* parser) const { ts_parser_delete(parser); }
};

// By Field.
constexpr std::array<std::string_view, 23> kFieldNames = {
    "alias",       "alternative", "arguments", "attribute",    "body",       "condition",
    "consequence", "constructor", "function",  "index",        "key",        "left",
    "module_name", "name",        "object",    "operator",     "parameters", "property",
    "right",       "source",      "subscript", "superclasses", "value"};
static_assert(kFieldNames.size() == static_cast<std::size_t>(Field::kValue) + 1);

/// A grammar's numbers for them; 0 for what it does not know.
struct FieldIds {
  const TSLanguage* language = nullptr;
  std::array<TSFieldId, kFieldNames.size()> ids{};
};

FieldIds ids_in(Grammar grammar) {
  FieldIds made{.language = language_of(grammar), .ids = {}};
  std::ranges::transform(kFieldNames, made.ids.begin(), [&](std::string_view name) {
    return ts_language_field_id_for_name(made.language, name.data(),
                                         static_cast<std::uint32_t>(name.size()));
  });
  return made;
}

/// Looked up once: by name it took a twelfth of a check.
TSFieldId id_of(const TSLanguage* language, Field field) {
  static const std::array kGrammars = {ids_in(Grammar::kPython), ids_in(Grammar::kTsx),
                                       ids_in(Grammar::kBash)};
  const auto found = std::ranges::find(kGrammars, language, &FieldIds::language);
  return found == kGrammars.end() ? 0 : found->ids[static_cast<std::size_t>(field)];
}

/// One a thread and grammar: making one costs more than parsing a small file.
TSParser* parser_of(Grammar grammar) {
  thread_local std::unique_ptr<TSParser, DeleteParser> parsers[3];
  auto& parser = parsers[static_cast<int>(grammar)];
  if (!parser) {
    parser.reset(ts_parser_new());
    ts_parser_set_language(parser.get(), language_of(grammar));
    ts_parser_set_timeout_micros(parser.get(), std::chrono::microseconds(kParseTime).count());
  }
  return parser.get();
}

}  // namespace

std::string_view Syntax::text() const {
  if (null()) return {};
  const auto begin = ts_node_start_byte(node_);
  const auto end = ts_node_end_byte(node_);
  return begin <= end && end <= source_.size() ? source_.substr(begin, end - begin)
                                               : std::string_view{};
}

Place Syntax::place() const {
  if (null()) return {};
  const auto point = ts_node_start_point(node_);
  return {static_cast<int>(point.row) + 1, static_cast<int>(point.column) + 1};
}

Syntax Syntax::field(Field field) const {
  if (null()) return *this;
  return {ts_node_child_by_field_id(node_, id_of(ts_tree_language(node_.tree), field)), source_};
}

std::vector<Syntax> Syntax::children() const {
  std::vector<Syntax> all;
  const auto count = size();
  if (count == 0) return all;
  all.reserve(count);
  // Counting from the first child each time is quadratic, and yet cheaper than a cursor for few.
  constexpr std::uint32_t kFewChildren = 8;
  if (count <= kFewChildren) {
    for (std::uint32_t i = 0; i < count; ++i) all.push_back(child(i));
    return all;
  }
  TSTreeCursor cursor = ts_tree_cursor_new(node_);
  for (bool more = ts_tree_cursor_goto_first_child(&cursor); more;
       more = ts_tree_cursor_goto_next_sibling(&cursor)) {
    const auto each = ts_tree_cursor_current_node(&cursor);
    if (ts_node_is_named(each)) all.emplace_back(each, source_);
  }
  ts_tree_cursor_delete(&cursor);
  return all;
}

std::optional<SyntaxTree> SyntaxTree::parse(Grammar grammar, std::string_view source) {
  auto* parser = parser_of(grammar);
  TSTree* tree = ts_parser_parse_string(parser, nullptr, source.data(),
                                        static_cast<std::uint32_t>(source.size()));
  if (!tree) {
    ts_parser_reset(parser);  // otherwise the next file would carry on with this one
    return std::nullopt;
  }
  return SyntaxTree(tree, source);
}

}  // namespace ecluse::preflight
