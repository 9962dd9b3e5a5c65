#include "preflight/facts/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

/// Thrown inside yaml-cpp's callbacks, where nothing else ends it; caught in read_yaml().
struct Stop {
  std::string why;
  Place place;
};

Place place_of(const YAML::Mark& mark) {
  return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

std::size_t nodes_in(const Yaml& node) {
  std::size_t count = 1;
  for (const auto& item : node.items) count += nodes_in(item);
  for (const auto& entry : node.entries) count += nodes_in(entry.value);
  return count;
}

void put(Yaml& map, std::string key, Place place, Yaml value) {
  const auto found = std::ranges::find(map.entries, key, &YamlEntry::key);
  if (found != map.entries.end()) {
    *found = {std::move(key), place, std::move(value)};
  } else {
    map.entries.push_back({std::move(key), place, std::move(value)});
  }
}

/// `<<: *base` or a list of them: keys that the map does not have itself.
void merge(Yaml& map, const Yaml& from) {
  if (from.kind == YamlKind::kList) {
    for (const auto& each : from.items) merge(map, each);
    return;
  }
  for (const auto& entry : from.entries) {
    if (!map.find(entry.key)) map.entries.push_back(entry);
  }
}

class Builder : public YAML::EventHandler {
 public:
  Builder(YamlFile& out, const std::vector<std::string_view>& lines) : out_(out), lines_(lines) {}

  /// yaml-cpp 0.7 gives back an empty document before a comma that no list surrounds, and stays
  /// before it for ever.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == last_start_) throw Stop{"a value cannot begin like this", place_of(mark)};
    last_start_ = mark.pos;
    anchors_.clear();
    open_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    count(1, mark);
    add({.kind = YamlKind::kNull,
         .text = {},
         .block = false,
         .place = place_of(mark),
         .items = {},
         .entries = {}},
        anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Stop{"an alias of what is not complete", place_of(mark)};
    count(nodes_in(found->second), mark);
    add(found->second, 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    count(1, mark);
    add({.kind = YamlKind::kScalar,
         .text = value,
         .block = is_block(mark),
         .place = place_of(mark),
         .items = {},
         .entries = {}},
        anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(YamlKind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(YamlKind::kMap, mark, anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    Yaml node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    std::string key;
    Place key_place;
    std::vector<Yaml> merged;
  };

  bool is_block(const YAML::Mark& mark) const {
    if (mark.is_null() || static_cast<std::size_t>(mark.line) >= lines_.size()) return false;
    const auto line = lines_[static_cast<std::size_t>(mark.line)];
    const auto at = static_cast<std::size_t>(mark.column);
    return at < line.size() && (line[at] == '|' || line[at] == '>');
  }

  void count(std::size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ > kYamlNodesMax) throw Stop{"more values than are read", place_of(mark)};
  }

  void begin(YamlKind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(1, mark);
    if (open_.size() >= kYamlDepthMax) throw Stop{"nested deeper than is read", place_of(mark)};
    Open made;
    made.node.kind = kind;
    made.node.place = place_of(mark);
    made.anchor = anchor;
    open_.push_back(std::move(made));
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    for (const auto& each : done.merged) merge(done.node, each);
    add(std::move(done.node), done.anchor);
  }

  void add(Yaml node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      out_.documents.push_back(std::move(node));
      return;
    }
    auto& parent = open_.back();
    if (parent.node.kind == YamlKind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      parent.has_key = true;
      parent.key = node.text;
      parent.key_place = node.place;
    } else {
      parent.has_key = false;
      if (parent.key == "<<")
        parent.merged.push_back(std::move(node));
      else
        put(parent.node, parent.key, parent.key_place, std::move(node));
    }
  }

  YamlFile& out_;
  const std::vector<std::string_view>& lines_;
  std::map<YAML::anchor_t, Yaml> anchors_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
  int last_start_ = -1;
};

/// yaml-cpp's scanner recurses once a bracket; so deep a file is refused before it is asked.
bool too_deep(std::string_view source) {
  std::size_t depth = 0;
  for (const char c : source) {
    depth += c == '[' || c == '{';
    depth -= (c == ']' || c == '}') && depth > 0;
    if (depth > 500) return true;
  }
  return false;
}

bool too_indented(const std::vector<std::string_view>& lines) {
  return std::ranges::any_of(lines, [](std::string_view line) {
    return std::min(line.find_first_not_of(" -?"), line.size()) > 400;
  });
}

}  // namespace

const Yaml* Yaml::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &YamlEntry::key);
  return found == entries.end() ? nullptr : &found->value;
}

const Yaml* Yaml::at(std::initializer_list<std::string_view> path) const {
  const Yaml* node = this;
  for (const auto key : path) {
    node = node->find(key);
    if (!node) return nullptr;
  }
  return node;
}

std::string_view Yaml::scalar(std::string_view key) const {
  const auto* node = find(key);
  return node && node->kind == YamlKind::kScalar ? std::string_view(node->text)
                                                 : std::string_view{};
}

std::vector<const Yaml*> Yaml::as_list() const {
  std::vector<const Yaml*> list;
  if (kind == YamlKind::kScalar) list.push_back(this);
  for (const auto& item : items) list.push_back(&item);
  return list;
}

YamlFile read_yaml(std::string_view source) {
  YamlFile file;
  if (source.size() > kYamlBytesMax) {
    file.problem = "larger than is read";
    return file;
  }
  const auto lines = lines_of(source);
  if (too_deep(source) || too_indented(lines)) {
    file.problem = "nested deeper than is read";
    return file;
  }
  std::istringstream in{std::string(source)};
  try {
    YAML::Parser parser(in);
    Builder builder(file, lines);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stop) {
    file.problem = stop.why;
    file.place = stop.place;
  } catch (const YAML::Exception& error) {
    file.problem = error.msg;
    file.place = place_of(error.mark);
  }
  return file;
}

}  // namespace ecluse::preflight
