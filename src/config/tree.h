#pragma once
// A YAML file as a bounded tree that remembers where everything stood. Made from yaml-cpp's events,
// because its own nodes forget duplicate keys and turn `012` into ten.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"

namespace ecluse::config {

// A file that needs more than this is hostile or broken.
constexpr std::size_t kFileBytesMax = 256 * 1024;
constexpr std::size_t kScalarBytesMax = 16 * 1024;
constexpr std::size_t kTreeBytesMax = 1024 * 1024;  ///< of all scalars, aliases counted each time
constexpr std::size_t kNodesMax = 20'000;           ///< aliases counted each time they are used
constexpr std::size_t kDepthMax = 24;
constexpr std::size_t kAnchorsMax = 64;

enum class NodeKind { kNull, kScalar, kList, kMap };

struct Entry;

struct Node {
  NodeKind kind = NodeKind::kNull;
  Place place;
  std::string text;     ///< of a scalar
  bool quoted = false;  ///< a scalar in quotes or a block: never a number, a boolean or null
  std::vector<Node> items;
  std::vector<Entry> entries;  ///< in the order of the file, keys unique

  const Node* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

/// What was read. Duplicate keys are problems that leave a usable tree (the first one counts);
/// what cannot be read at all leaves none.
struct Tree {
  std::optional<Node> root;
  std::vector<Diagnostic> problems;
};
Tree read_tree(std::string_view text, std::string_view file);

}  // namespace ecluse::config
