#pragma once
// What reading source is in every language: the pieces of Python's and JavaScript's readers that
// are the same. Private to facts/.

#include <string>
#include <string_view>

#include "preflight/facts/code.h"
#include "preflight/facts/syntax.h"

namespace ecluse::preflight {

/// At most kValueBytesMax of it.
std::string cut(std::string_view text);
/// The same, without quotes and blanks: `app.config["KEY"]` is app.config[KEY].
std::string without_quotes(std::string_view text);

/// The children of a list, a map or a call's arguments, as `item_of` reads each; without comments.
void read_items(const Syntax& node, int depth, Value& value, Item (*item_of)(const Syntax&, int));

/// Walks a tree and fills `out`, which must outlive it.
class CodeReader {
 public:
  explicit CodeReader(CodeFile& out) : out_(out) {}
  virtual ~CodeReader() = default;
  CodeReader(const CodeReader&) = delete;
  CodeReader& operator=(const CodeReader&) = delete;

  /// False, and `out` is said to be incomplete, where a bound is met.
  bool goes_on(int depth);
  virtual void visit(const Syntax& node, const Scope& scope, int depth) = 0;
  void children(const Syntax& node, const Scope& scope, int depth);
  /// A try statement; `handler` is the type of the node that runs when it failed.
  void attempt(const Syntax& node, const Scope& scope, int depth, std::string_view handler);
  /// A raise or throw.
  void raise(const Syntax& node, const Scope& scope);
  void compare(const Syntax& left, Value literal, const Scope& scope, Place place);

 protected:
  CodeFile& out_;  // NOLINT(*-non-private-member-variables-in-classes): what readers are for
};

/// A file that nothing is known of but its path.
CodeFile code_file(std::string_view path, Language language);
/// Parses and visits; a file that takes too long is truncated.
void read_tree(Grammar grammar, std::string_view source, CodeReader& reader, CodeFile& file);

}  // namespace ecluse::preflight
