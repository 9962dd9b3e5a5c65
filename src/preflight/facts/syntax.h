#pragma once
// A syntax tree, owned: a thin skin over tree-sitter. Blocking, bounded by kParseWork.

#include <tree_sitter/api.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/place.h"

namespace ecluse::preflight {

enum class Grammar { kPython, kTsx, kBash };

/// How much a file may cost, counted in what the parser asks of us: a piece of memory is 1, a chunk
/// of the source kChunkWork. No clock, so a busy machine finds the same as an idle one. A megabyte
/// of people's own source costs less than 3 a byte; a file that costs more is hostile.
constexpr std::size_t kParseWork = 3'000'000;
constexpr std::size_t kChunkBytes = 4096;
constexpr std::size_t kChunkWork = 256;

/// What a child is to its node, by the grammars' own names ("module_name"); the table is in
/// syntax.cc.
enum class Field {
  kAlias,
  kAlternative,
  kArguments,
  kAttribute,
  kBody,
  kCondition,
  kConsequence,
  kConstructor,
  kFunction,
  kIndex,
  kKey,
  kLeft,
  kModuleName,
  kName,
  kObject,
  kOperator,
  kParameters,
  kProperty,
  kRight,
  kSource,
  kSubscript,
  kSuperclasses,
  kValue
};

/// What a grammar calls its nodes and fields.
struct Names;

/// A node and the text below it; below a null node everything is null or empty. Cheap to copy;
/// lives as long as its tree.
class Syntax {
 public:
  Syntax(TSNode node, std::string_view source, const Names& names)
      : node_(node), source_(source), names_(&names) {}

  std::string_view type() const;
  bool null() const { return ts_node_is_null(node_); }
  std::string_view text() const;
  Place place() const;
  int last_line() const { return static_cast<int>(ts_node_end_point(node_).row) + 1; }
  std::uint32_t size() const { return null() ? 0 : ts_node_named_child_count(node_); }
  Syntax child(std::uint32_t n) const { return at(ts_node_named_child(node_, n)); }
  /// The named children; of many in one pass, because child(n) counts from the first one each time.
  std::vector<Syntax> children() const;
  Syntax field(Field field) const;
  Syntax parent() const { return null() ? *this : at(ts_node_parent(node_)); }
  TSNode node() const { return node_; }
  bool same_as(const Syntax& other) const { return ts_node_eq(node_, other.node_); }

 private:
  Syntax at(TSNode node) const { return {node, source_, *names_}; }

  TSNode node_;
  std::string_view source_;
  const Names* names_;
};

class SyntaxTree {
 public:
  /// Nothing when the parser gave up after kParseWork. `source` must outlive the tree.
  static std::optional<SyntaxTree> parse(Grammar grammar, std::string_view source);
  Syntax root() const { return {ts_tree_root_node(tree_.get()), source_, *names_}; }

 private:
  struct Delete {
    void operator()(TSTree* tree) const { ts_tree_delete(tree); }
  };
  SyntaxTree(TSTree* tree, std::string_view source, const Names& names)
      : tree_(tree), source_(source), names_(&names) {}
  std::unique_ptr<TSTree, Delete> tree_;
  std::string_view source_;
  const Names* names_;
};

/// Visits every named node below `root`, parents first, no deeper than `depth_max`. `visit` returns
/// false to skip what is below.
template <typename Visit>
void for_each_node(const Syntax& root, int depth_max, Visit visit) {
  if (depth_max <= 0 || root.null() || !visit(root)) return;
  for (const auto& child : root.children()) for_each_node(child, depth_max - 1, visit);
}

}  // namespace ecluse::preflight
