#pragma once
// Other people's YAML (compose files, workflows) as a bounded tree with places. Unlike ecluse.yml's
// own reader it takes what their tools take: merge keys, tags, several documents, duplicate keys
// (the last one counts). From yaml-cpp's events.

#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/place.h"

namespace ecluse::preflight {

constexpr std::size_t kYamlBytesMax = 512 * 1024;
constexpr std::size_t kYamlNodesMax = 50'000;  ///< aliases counted each time
constexpr std::size_t kYamlDepthMax = 40;

enum class YamlKind { kNull, kScalar, kList, kMap };

struct YamlEntry;

struct Yaml {
  YamlKind kind = YamlKind::kNull;
  std::string text;
  bool block = false;  ///< a scalar written with | or >: its text begins on the next line
  Place place;
  std::vector<Yaml> items;
  std::vector<YamlEntry> entries;

  const Yaml* find(std::string_view key) const;
  /// find() along a path: at({"deploy", "replicas"}); null when a step is missing.
  const Yaml* at(std::initializer_list<std::string_view> path) const;
  std::string_view scalar(std::string_view key) const;  ///< "" when absent or no scalar
  /// The items of a list, or the scalar itself as the only one.
  std::vector<const Yaml*> as_list() const;
};

struct YamlEntry {
  std::string key;
  Place place;
  Yaml value;
};

struct YamlFile {
  std::vector<Yaml> documents;
  std::string problem;  ///< why reading ended early; empty: all of it was read
  Place place;          ///< of the problem
};

YamlFile read_yaml(std::string_view source);

}  // namespace ecluse::preflight
