#include "preflight/facts/shell.h"

#include <algorithm>

#include "base/text.h"
#include "preflight/facts/syntax.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

constexpr std::size_t kHeredocBytesMax = 4096;
constexpr int kTreeDepth = 200;

std::string unquoted(std::string_view word) {
  if (word.size() >= 2 && (word.front() == '"' || word.front() == '\'') &&
      word.back() == word.front())
    word = word.substr(1, word.size() - 2);
  return std::string(word.substr(0, kWordBytesMax));
}

/// How the shell looks at what is being visited.
struct Around {
  bool tested = false;
  bool piped = false;
  bool substituted = false;
  bool function = false;
  std::string or_else;
  std::string condition;
  std::string redirects;
  std::string heredoc;
};

class ShellReader {
 public:
  ShellReader(ShellScript& out, Place origin) : out_(out), origin_(origin) {}

  void visit(const Syntax& node, const Around& around, int depth) {
    if (depth <= 0 || out_.commands.size() >= kCommandsMax) {
      out_.truncated = true;
      return;
    }
    const auto type = node.type();
    if (type == "command") return command(node, around, depth);
    if (type == "list") return list(node, around, depth);
    if (type == "pipeline") return pipeline(node, around, depth);
    if (type == "if_statement" || type == "while_statement" || type == "elif_clause")
      return condition(node, around, depth);
    if (type == "redirected_statement") return redirected(node, around, depth);
    if (type == "test_command") out_.tests.push_back({cut(node.text()), place(node)});
    Around inner = around;
    inner.tested |= type == "negated_command";
    inner.substituted |= type == "command_substitution" || type == "process_substitution";
    inner.function |= type == "function_definition";
    children(node, inner, depth);
  }

 private:
  static std::string cut(std::string_view text) {
    return std::string(text.substr(0, kWordBytesMax));
  }

  Place place(const Syntax& node) const {
    const auto at = node.place();
    return {origin_.line + at.line - 1, at.line == 1 ? origin_.column + at.column - 1 : at.column};
  }

  void children(const Syntax& node, const Around& around, int depth) {
    for (std::uint32_t i = 0; i < node.size(); ++i) visit(node.child(i), around, depth - 1);
  }

  void command(const Syntax& node, const Around& around, int depth) {
    ShellCommand made;
    for (std::uint32_t i = 0; i < node.size(); ++i) {
      const auto part = node.child(i);
      if (part.type() == "variable_assignment" || part.type() == "heredoc_redirect") continue;
      if (part.type().ends_with("redirect")) {
        made.redirects += cut(part.text());
        continue;
      }
      made.words.push_back(unquoted(part.text()));
    }
    made.text = cut(node.text());
    made.or_else = around.or_else;
    made.tested = around.tested;
    made.piped = around.piped;
    made.substituted = around.substituted;
    made.function = around.function;
    made.background = in_background(node);
    made.condition = around.condition;
    made.redirects += around.redirects;
    made.heredoc = around.heredoc;
    made.place = place(node);
    note_test(made);
    note_errexit(made);
    out_.commands.push_back(std::move(made));
    Around inner = around;  // what stands in "$(...)" of its arguments
    inner.or_else.clear();
    children(node, inner, depth);
  }

  /// `command &`, or a list, pipeline or redirection of it that ends so.
  static bool in_background(Syntax node) {
    for (int up = 0; up < 4; ++up) {
      const auto next = ts_node_next_sibling(node.node());
      if (!ts_node_is_null(next) && std::string_view(ts_node_type(next)) == "&") return true;
      const auto parent = node.parent();
      const auto type = parent.type();
      if (type != "redirected_statement" && type != "pipeline" && type != "list") return false;
      node = parent;
    }
    return false;
  }

  void note_test(const ShellCommand& made) {
    if (made.name() == "test" || made.name() == "[") out_.tests.push_back({made.text, made.place});
  }

  void note_errexit(const ShellCommand& made) {
    if (made.name() != "set" || made.words.size() < 2) return;
    const auto& flags = made.words[1];
    if (flags.starts_with('-') && !flags.starts_with("--") && flags.find('e') != std::string::npos)
      out_.errexit = true;
    if (made.has("errexit")) out_.errexit = flags == "-o";
  }

  /// a && b, a || b
  void list(const Syntax& node, const Around& around, int depth) {
    const bool alternative = operator_of(node) == "||";
    for (std::uint32_t i = 0; i < node.size(); ++i) {
      Around inner = around;
      if (i + 1 < node.size()) {
        inner.tested = true;
        if (alternative) inner.or_else = cut(node.child(i + 1).text());
      }
      visit(node.child(i), inner, depth - 1);
    }
  }

  static std::string_view operator_of(const Syntax& node) {
    const auto count = ts_node_child_count(node.node());
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string_view type = ts_node_type(ts_node_child(node.node(), i));
      if (type == "||" || type == "&&") return type;
    }
    return {};
  }

  void pipeline(const Syntax& node, const Around& around, int depth) {
    for (std::uint32_t i = 0; i < node.size(); ++i) {
      Around inner = around;
      if (i + 1 < node.size()) {
        inner.piped = true;
        inner.or_else.clear();
      }
      visit(node.child(i), inner, depth - 1);
    }
  }

  void condition(const Syntax& node, const Around& around, int depth) {
    const auto tested = node.field(Field::kCondition);
    Around inner = around;
    inner.condition = cut(tested.text());
    for (std::uint32_t i = 0; i < node.size(); ++i) {
      const auto part = node.child(i);
      if (!tested.null() && part.same_as(tested)) {
        Around asked = around;
        asked.tested = true;
        visit(part, asked, depth - 1);
      } else {
        visit(part, inner, depth - 1);
      }
    }
  }

  void redirected(const Syntax& node, const Around& around, int depth) {
    Around inner = around;
    for (std::uint32_t i = 0; i < node.size(); ++i) {
      const auto part = node.child(i);
      if (part.type() == "heredoc_redirect") {
        for_each_node(part, 4, [&](const Syntax& each) {
          if (each.type() == "heredoc_body")
            inner.heredoc = std::string(each.text().substr(0, kHeredocBytesMax));
          return true;
        });
      } else if (part.type().ends_with("redirect")) {
        inner.redirects += cut(part.text());
      }
    }
    children(node, inner, depth);
  }

  ShellScript& out_;
  Place origin_;
};

}  // namespace

bool ShellCommand::has(std::string_view word) const {
  return std::ranges::find(words, word) != words.end();
}

ShellScript read_shell(std::string_view source, Place origin) {
  ShellScript script;
  script.place = origin;
  script.truncated = source.size() > kShellBytesMax;
  source = source.substr(0, kShellBytesMax);
  const auto first = source.substr(0, source.find('\n'));
  const auto tree = SyntaxTree::parse(Grammar::kBash, source);
  if (!tree) {
    script.truncated = true;
    return script;
  }
  ShellReader(script, origin).visit(tree->root(), {}, kTreeDepth);
  if (first.starts_with("#!") && first.find(" -e") != std::string_view::npos) script.errexit = true;
  return script;
}

bool ends_with_words(const ShellScript& script) {
  if (script.commands.empty()) return false;
  const auto last = script.commands.back().name();
  return last == "echo" || last == "printf" || last == "exit";
}

}  // namespace ecluse::preflight
