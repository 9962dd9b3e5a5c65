#include "preflight/facts/syntax.h"

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

Syntax Syntax::field(std::string_view name) const {
  if (null()) return *this;
  return {ts_node_child_by_field_name(node_, name.data(), static_cast<std::uint32_t>(name.size())),
          source_};
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
