#include "preflight/facts/nginx.h"

#include <cctype>

#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

struct Token {
  std::string text;
  bool quoted = false;
  Place place;
  bool is(std::string_view symbol) const { return !quoted && text == symbol; }
};

/// Words, quoted words, and the three symbols { } ;
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  bool next(Token& token) {
    skip();
    if (at_ >= text_.size()) return false;
    token = {{}, false, {line_, static_cast<int>(at_ - start_) + 1}};
    const char c = text_[at_];
    if (c == '{' || c == '}' || c == ';') {
      token.text = c;
      ++at_;
    } else if (c == '"' || c == '\'') {
      quoted(token);
    } else {
      word(token);
    }
    return true;
  }

 private:
  void skip() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (std::isspace(static_cast<unsigned char>(text_[at_]))) {
        step();
      } else {
        return;
      }
    }
  }

  void step() {
    if (text_[at_++] == '\n') {
      ++line_;
      start_ = at_;
    }
  }

  void quoted(Token& token) {
    const char quote = text_[at_++];
    token.quoted = true;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) step();
      token.text += text_[at_];
      step();
    }
    if (at_ < text_.size()) ++at_;
  }

  /// `${name}` is part of a word, though braces end one otherwise.
  void word(Token& token) {
    bool variable = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (std::isspace(static_cast<unsigned char>(c)) || c == ';') return;
      if (c == '{' && !token.text.ends_with('$')) return;
      if (c == '}' && !variable) return;
      variable = c == '{' || (variable && c != '}');
      token.text += c;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
  int line_ = 1;
};

void read_block(Tokens& tokens, std::vector<Directive>& out, int depth, std::size_t& left) {
  Token token;
  Directive made;
  while (left > 0 && tokens.next(token)) {
    if (token.is("}")) return;
    if (token.is(";") || token.is("{")) {
      made.has_block = token.is("{");
      if (made.has_block) {
        if (depth <= 0) {
          left = 0;  // deeper than any real file: nothing after this is believed
          return;
        }
        read_block(tokens, made.block, depth - 1, left);
      }
      if (!made.name.empty() && left > 0) {
        --left;
        out.push_back(std::move(made));
      }
      made = {};
    } else if (made.name.empty()) {
      made.name = token.text;
      made.place = token.place;
    } else {
      made.arguments.push_back(token.text);
    }
  }
}

}  // namespace

bool is_nginx_path(std::string_view path) {
  const auto whole = to_lower(path);
  std::string_view lower = whole;
  for (const std::string_view ending : {".template", ".example", ".sample", ".dist", ".tmpl"})
    if (lower.ends_with(ending)) lower.remove_suffix(ending.size());
  return lower.ends_with(".conf") &&
         (lower.find("nginx") != std::string_view::npos || file_name(lower) == "default.conf");
}

Nginx read_nginx(std::string_view path, std::string_view text) {
  Nginx out;
  out.path = std::string(path);
  Tokens tokens(text);
  std::size_t left = kDirectivesMax;
  read_block(tokens, out.directives, kNginxDepthMax, left);
  return out;
}

}  // namespace ecluse::preflight
