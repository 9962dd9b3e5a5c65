#include "config/tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "base/text.h"

namespace ecluse::config {

namespace {

/// Thrown inside yaml-cpp's callbacks, where nothing else can stop it; caught in read_tree().
struct Stop {
  Diagnostic why;
};

/// yaml-cpp counts bytes from 0; people count characters from 1.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  Place of(const YAML::Mark& mark) const {
    if (mark.is_null() || mark.line < 0) return {};
    const auto line =
        std::min<std::size_t>(static_cast<std::size_t>(mark.line), starts_.size() - 1);
    const auto bytes = static_cast<std::size_t>(std::max(mark.column, 0));
    return {static_cast<int>(line) + 1, characters(text_.substr(starts_[line], bytes)) + 1};
  }

  std::string_view line(const YAML::Mark& mark) const {
    if (mark.is_null() || mark.line < 0) return {};
    const auto index =
        std::min<std::size_t>(static_cast<std::size_t>(mark.line), starts_.size() - 1);
    const std::string_view rest = text_.substr(starts_[index]);
    return rest.substr(0, rest.find('\n'));
  }

  Place of_byte(std::size_t offset) const {
    const auto next = std::ranges::upper_bound(starts_, offset);
    const auto line = static_cast<std::size_t>(next - starts_.begin()) - 1;
    const auto before = text_.substr(starts_[line], offset - starts_[line]);
    return {static_cast<int>(line) + 1, characters(before) + 1};
  }

 private:
  static int characters(std::string_view bytes) {
    return static_cast<int>(std::ranges::count_if(
        bytes, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  }

  std::string_view text_;
  std::vector<std::size_t> starts_;
};

struct Weight {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  std::size_t depth = 0;
};

Weight weigh(const Node& node) {
  Weight sum{1, node.text.size(), 1};
  const auto add = [&](const Node& child) {
    const Weight w = weigh(child);
    sum.nodes += w.nodes;
    sum.bytes += w.bytes;
    sum.depth = std::max(sum.depth, w.depth + 1);
  };
  for (const auto& item : node.items) add(item);
  for (const auto& entry : node.entries) {
    sum.bytes += entry.key.size();
    add(entry.value);
  }
  return sum;
}

class Builder : public YAML::EventHandler {
 public:
  Builder(const Places& places, std::string_view file) : places_(places), file_(file) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(Node{.place = places_.of(mark)}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Place place = places_.of(mark);
    refuse_tag(tag, place);
    if (value.size() > kScalarBytesMax)
      stop(place, fmt::format("a value of {} bytes is too long", value.size()),
           fmt::format("at most {} bytes", kScalarBytesMax));
    if (value.find('\0') != std::string::npos) stop(place, "a value holds a NUL character", "text");
    add(Node{.kind = NodeKind::kScalar, .place = place, .text = value, .quoted = tag == "!"},
        anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(places_.of(mark), "an alias stands inside its own anchor");
    const Weight weight = weigh(found->second);
    count(weight, places_.of(mark));
    Node copy = found->second;
    copy.place = places_.of(mark);
    place_node(std::move(copy), 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(NodeKind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(NodeKind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  Tree take() { return {std::move(root_), std::move(problems_)}; }

 private:
  /// A list or a map whose end has not come yet.
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<Node> key;  ///< of the map entry whose value comes next
  };

  [[noreturn]] void stop(Place place, std::string message, std::string expected = {}) const {
    throw Stop{{std::string(file_), place.line, place.column, std::move(message),
                std::move(expected), "", Severity::kError}};
  }

  void refuse_tag(const std::string& tag, Place place) const {
    if (tag.empty() || tag == "?" || tag == "!") return;
    stop(place, fmt::format("the YAML tag {} is not used here", printable(tag, 40)),
         "a plain value without '!'");
  }

  void count(const Weight& weight, Place place) {
    nodes_ += weight.nodes;
    bytes_ += weight.bytes;
    if (open_.size() + weight.depth > kDepthMax)
      stop(place, "lists and maps are nested too deep",
           fmt::format("at most {} levels", kDepthMax));
    if (nodes_ > kNodesMax)
      stop(place, "the file has too many values",
           fmt::format("at most {}, aliases counted each time", kNodesMax));
    if (bytes_ > kTreeBytesMax)
      stop(place, "the values are too long together",
           fmt::format("at most {} bytes, aliases counted each time", kTreeBytesMax));
  }

  void add(Node node, YAML::anchor_t anchor) {
    count({1, node.text.size(), 1}, node.place);
    place_node(std::move(node), anchor);
  }

  void open(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    const Place place = places_.of(mark);
    refuse_tag(tag, place);
    if (!open_.empty() && open_.back().node.kind == NodeKind::kMap && !open_.back().key)
      stop(place, "a key is a list or a map", "a word as the key");
    count({1, 0, 1}, place);
    open_.push_back({Node{.kind = kind, .place = place}, anchor, std::nullopt});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    place_node(std::move(done.node), done.anchor);
  }

  void place_node(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) remember(node, anchor);
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (open_.back().node.kind == NodeKind::kList) {
      open_.back().node.items.push_back(std::move(node));
    } else if (!open_.back().key) {
      begin_entry(std::move(node));
    } else {
      end_entry(std::move(node));
    }
  }

  void remember(const Node& node, YAML::anchor_t anchor) {
    if (anchors_.size() >= kAnchorsMax)
      stop(node.place, "the file has too many anchors", fmt::format("at most {}", kAnchorsMax));
    anchors_.emplace(anchor, node);
  }

  void begin_entry(Node key) {
    if (key.kind == NodeKind::kNull) stop(key.place, "a key is empty", "a word before the ':'");
    if (key.kind != NodeKind::kScalar)
      stop(key.place, "a key is a list or a map", "a word as the key");
    if (key.text == "<<")
      stop(key.place, "YAML merge keys (<<) are not supported",
           "the keys written out, or an environment's overlay");
    open_.back().key = std::move(key);
  }

  void end_entry(Node value) {
    Open& map = open_.back();
    Node key = std::move(*map.key);
    map.key.reset();
    const auto same = std::ranges::find(map.node.entries, key.text, &Entry::key);
    if (same != map.node.entries.end()) return twice(key, same->place);
    if (value.kind == NodeKind::kNull) value.place = key.place;
    map.node.entries.push_back({std::move(key.text), key.place, std::move(value)});
  }

  void twice(const Node& key, Place first) {
    problems_.push_back({std::string(file_), key.place.line, key.place.column,
                         fmt::format("key '{}' stands here a second time, first on line {}",
                                     printable(key.text, 60), first.line),
                         "each key once", "", Severity::kError});
  }

  const Places& places_;
  std::string_view file_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::optional<Node> root_;
  std::vector<Diagnostic> problems_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

Diagnostic problem(std::string_view file, Place place, std::string message, std::string expected) {
  return {std::string(file),   place.line, place.column,    std::move(message),
          std::move(expected), "",         Severity::kError};
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7F;
}

/// What must be true of the bytes before a YAML reader sees them.
std::optional<Diagnostic> unreadable(std::string_view text, std::string_view file) {
  if (text.size() > kFileBytesMax)
    return problem(file, {}, fmt::format("the file has {} bytes", text.size()),
                   fmt::format("at most {}", kFileBytesMax));
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return problem(file, {1, 1}, "the file is written in UTF-16", "a file saved as UTF-8");
  const auto control = std::ranges::find_if(text, is_control);
  const Places places(text);
  if (control != text.end())
    return problem(file, places.of_byte(static_cast<std::size_t>(control - text.begin())),
                   fmt::format("a control character (0x{:02x}) stands here",
                               static_cast<unsigned char>(*control)),
                   "text; is this a binary file?");
  if (is_valid_utf8(text)) return std::nullopt;
  std::size_t good = 0;
  for (std::size_t end = 0; (end = text.find('\n', good)) != std::string_view::npos; good = end + 1)
    if (!is_valid_utf8(text.substr(good, end - good))) break;
  return problem(file, places.of_byte(good), "this line is not UTF-8", "a file saved as UTF-8");
}

bool indented_by_tab(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return line.substr(0, first).find('\t') != std::string_view::npos;
}

/// yaml-cpp's words, without its "yaml-cpp: error at line ..." in front.
Diagnostic from_yaml(const YAML::Exception& error, const Places& places, std::string_view file) {
  const Place place = places.of(error.mark);
  if (indented_by_tab(places.line(error.mark)))
    return problem(file, {place.line, 1}, "the line is indented with a tab", "spaces");
  return problem(file, place, "not readable as YAML: " + error.msg, "");
}

Tree build(std::string_view text, std::string_view file) {
  const Places places(text);
  Builder builder(places, file);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder))
      return {std::nullopt, {problem(file, {}, "the file is empty", "at least `app: NAME`")}};
    Tree tree = builder.take();
    Builder second(places, file);
    if (parser.HandleNextDocument(second))
      tree.problems.push_back(problem(file, {}, "the file has a second document after '---'",
                                      "one document; use environments for variants"));
    return tree;
  } catch (const Stop& stopped) {
    return {std::nullopt, {stopped.why}};
  } catch (const YAML::Exception& error) {
    return {std::nullopt, {from_yaml(error, places, file)}};
  }
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

Tree read_tree(std::string_view text, std::string_view file) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (auto why = unreadable(text, file)) return {std::nullopt, {*why}};
  return build(text, file);
}

}  // namespace ecluse::config
