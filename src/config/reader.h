#pragma once
// What reading carries along: where we are in the file, what was wrong, and where each value came
// from.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/tree.h"

namespace ecluse::config {

/// Where a value was written: "app" is the top of the file, "environment prod" an overlay.
struct Origin {
  std::string layer;
  Place place;
};
/// By path, "processes.web.instances". What is not in it has its default.
using Origins = std::map<std::string, Origin, std::less<>>;

/// `path` is `outer`, or lies inside it. Everything lies inside "".
bool is_within(std::string_view path, std::string_view outer);

/// The origin of `path`, or of the nearest thing around it that was written.
const Origin* origin_of(const Origins& origins, std::string_view path);

/// Not thread-safe; lives for one layer of one file.
class Reader {
 public:
  /// `above` is where the layer stands in the file: "" or "environments.prod".
  Reader(std::string file, std::string layer, std::string above, Origins origins)
      : file_(std::move(file)),
        layer_(std::move(layer)),
        above_(std::move(above)),
        origins_(std::move(origins)) {}

  /// While it lives, the path is one key longer.
  class Scope {
   public:
    Scope(Reader& reader, std::string_view key);
    ~Scope() { reader_.path_.resize(length_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Reader& reader_;
    std::size_t length_;
  };

  void error(Place place, std::string message, std::string expected = {}, std::string nearest = {});
  /// "`path` is <what node is>; expected ...".
  void wrong(const Node& node, std::string expected, std::string nearest = {});

  /// The value of the current path is written at `place` of this layer.
  void stands_at(Place place);
  void stands_at(std::string path, Place place);
  /// The current path is replaced as a whole: what stood under it before counts no more.
  void replace() { replace(path_); }
  void replace(const std::string& path);

  const std::string& path() const { return path_; }
  /// The path as the file's reader knows it, safe to print.
  std::string shown_path() const;
  const std::string& layer() const { return layer_; }
  const Origins& origins() const { return origins_; }
  /// Paths whose values were refused: what follows from them is no second error.
  const std::vector<std::string>& broken() const { return broken_; }
  std::vector<Diagnostic> take_problems() { return std::move(problems_); }

 private:
  std::string file_;
  std::string layer_;
  std::string above_;
  std::string path_;
  Origins origins_;
  std::vector<Diagnostic> problems_;
  std::vector<std::string> broken_;
};

/// "'5'", "a list", "empty": for messages.
std::string describe(const Node& node);

/// What other YAML readers make of an unquoted scalar: "a number", "true or false"; empty: text.
std::string_view yaml_reads_as(std::string_view plain);

}  // namespace ecluse::config
