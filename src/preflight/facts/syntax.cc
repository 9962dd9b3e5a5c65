#include "preflight/facts/syntax.h"

#include <algorithm>
#include <array>
#include <cstdlib>

extern "C" {
const TSLanguage* tree_sitter_python();
const TSLanguage* tree_sitter_tsx();
const TSLanguage* tree_sitter_bash();
}

namespace ecluse::preflight {

namespace {
constexpr std::size_t kFields = static_cast<std::size_t>(Field::kValue) + 1;
}  // namespace

/// Looked up once: by name, at every node, it took an eighth of a check.
struct Names {
  std::array<TSFieldId, kFields> fields{};  ///< 0 for what the grammar does not know
  std::vector<std::string_view> types;      ///< by symbol
};

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
constexpr std::array<std::string_view, kFields> kFieldNames = {
    "alias",       "alternative", "arguments", "attribute",    "body",       "condition",
    "consequence", "constructor", "function",  "index",        "key",        "left",
    "module_name", "name",        "object",    "operator",     "parameters", "property",
    "right",       "source",      "subscript", "superclasses", "value"};
static_assert(!kFieldNames.back().empty());

Names names_in(Grammar grammar) {
  const auto* language = language_of(grammar);
  Names made;
  std::ranges::transform(kFieldNames, made.fields.begin(), [&](std::string_view name) {
    return ts_language_field_id_for_name(language, name.data(),
                                         static_cast<std::uint32_t>(name.size()));
  });
  for (std::uint32_t i = 0; i < ts_language_symbol_count(language); ++i)
    made.types.emplace_back(ts_language_symbol_name(language, static_cast<TSSymbol>(i)));
  return made;
}

const Names& names_of(Grammar grammar) {
  static const std::array kGrammars = {names_in(Grammar::kPython), names_in(Grammar::kTsx),
                                       names_in(Grammar::kBash)};
  return kGrammars[static_cast<std::size_t>(grammar)];
}

/// What this thread's parser has asked for since its file began. Volatile: the parser reads `over`
/// through a pointer, now and then.
struct Work {
  std::size_t done = 0;
  volatile std::size_t over = 0;

  void add(std::size_t more) {
    done += more;
    if (done > kParseWork) over = 1;
  }
};
thread_local Work work;

/// Chunks, because a scanner that looks far ahead at every place asks for nothing else.
const char* read_chunk(void* payload, std::uint32_t at, TSPoint, std::uint32_t* bytes) {
  const auto& source = *static_cast<const std::string_view*>(payload);
  work.add(kChunkWork);
  const auto chunk = source.substr(std::min<std::size_t>(at, source.size()), kChunkBytes);
  *bytes = static_cast<std::uint32_t>(chunk.size());
  return chunk.data();
}

/// tree-sitter cannot go on without memory, and no exception passes through C.
void* counted(void* piece) noexcept {
  if (!piece) std::abort();
  work.add(1);
  return piece;
}
// What an allocator is to C. NOLINTBEGIN(cppcoreguidelines-owning-memory)
void* take(std::size_t bytes) {
  return counted(std::malloc(std::max<std::size_t>(bytes, 1)));
}
void* take_zeroed(std::size_t count, std::size_t bytes) {
  return counted(std::calloc(std::max<std::size_t>(count, 1), std::max<std::size_t>(bytes, 1)));
}
void* take_again(void* old, std::size_t bytes) {
  return counted(std::realloc(old, std::max<std::size_t>(bytes, 1)));
}
// NOLINTEND(cppcoreguidelines-owning-memory)

/// One a thread and grammar: making one costs more than parsing a small file.
TSParser* parser_of(Grammar grammar) {
  [[maybe_unused]] static const bool kCounting =
      (ts_set_allocator(take, take_zeroed, take_again, std::free), true);
  thread_local std::unique_ptr<TSParser, DeleteParser> parsers[3];
  auto& parser = parsers[static_cast<int>(grammar)];
  if (!parser) {
    parser.reset(ts_parser_new());
    ts_parser_set_language(parser.get(), language_of(grammar));
    ts_parser_set_cancellation_flag(parser.get(), const_cast<const std::size_t*>(&work.over));
  }
  return parser.get();
}

/// Up to so many, counting to each child costs less than moving a cursor: half a walk is spent
/// here.
constexpr std::uint32_t kFewChildren = 8;

/// One a thread, because each new one takes memory.
class Cursor {
 public:
  explicit Cursor(TSNode node) : cursor_(ts_tree_cursor_new(node)) {}
  ~Cursor() { ts_tree_cursor_delete(&cursor_); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  static TSTreeCursor* at(TSNode node) {
    thread_local Cursor own(node);
    ts_tree_cursor_reset(&own.cursor_, node);
    return &own.cursor_;
  }

 private:
  TSTreeCursor cursor_;
};

}  // namespace

std::string_view Syntax::type() const {
  if (null()) return "";
  const auto& types = names_->types;
  const auto symbol = ts_node_symbol(node_);
  return symbol < types.size() ? types[symbol] : std::string_view(ts_node_type(node_));
}

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
  return at(ts_node_child_by_field_id(node_, names_->fields[static_cast<std::size_t>(field)]));
}

std::vector<Syntax> Syntax::children() const {
  std::vector<Syntax> all;
  const auto count = size();
  if (count == 0) return all;
  all.reserve(count);
  if (count <= kFewChildren) {
    for (std::uint32_t i = 0; i < count; ++i) all.push_back(child(i));
    return all;
  }
  auto* cursor = Cursor::at(node_);
  for (bool more = ts_tree_cursor_goto_first_child(cursor); more;
       more = ts_tree_cursor_goto_next_sibling(cursor)) {
    const auto each = ts_tree_cursor_current_node(cursor);
    if (ts_node_is_named(each)) all.push_back(at(each));
  }
  return all;
}

std::optional<SyntaxTree> SyntaxTree::parse(Grammar grammar, std::string_view source) {
  auto* parser = parser_of(grammar);
  work.done = 0;
  work.over = 0;
  TSTree* tree = ts_parser_parse(
      parser, nullptr, {.payload = &source, .read = read_chunk, .encoding = TSInputEncodingUTF8});
  if (!tree) {
    ts_parser_reset(parser);  // otherwise the next file would carry on with this one
    return std::nullopt;
  }
  return SyntaxTree(tree, source, names_of(grammar));
}

}  // namespace ecluse::preflight
