#include "judge/event_line.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ecluse::judge {

namespace {
constexpr std::size_t kFieldsMax = 16;
/// More digits might not fit into 64 bits.
constexpr std::size_t kDigitsMax = 18;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  bool at_end() {
    skip_blanks();
    return at_ == text_.size();
  }
  char next() {
    skip_blanks();
    return at_ == text_.size() ? '\0' : text_[at_];
  }

  /// Without escapes, control characters and what is beyond ASCII.
  std::optional<std::string_view> string() {
    if (!take('"')) return std::nullopt;
    const auto begin = at_;
    const auto is_plain = [](char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; };
    while (at_ < text_.size() && is_plain(text_[at_])) ++at_;
    const auto found = text_.substr(begin, at_ - begin);
    return take_word("\"") ? std::optional(found) : std::nullopt;
  }

  /// By JSON's grammar: no sign but minus, no zero in front, digits on both sides of a point.
  std::optional<std::string_view> number() {
    skip_blanks();
    const auto begin = at_;
    (void)take_word("-");  // it need not have one
    const auto whole = digits();
    if (whole.empty() || (whole.size() > 1 && whole[0] == '0')) return std::nullopt;
    if (take_word(".") && digits().empty()) return std::nullopt;
    if (take_word("e") || take_word("E")) {
      if (!take_word("+")) (void)take_word("-");
      if (digits().empty()) return std::nullopt;
    }
    return text_.substr(begin, at_ - begin);
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  std::string_view digits() {
    const auto begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool into(std::optional<double>& field, Scanner& line) {
  const auto digits = line.number();
  if (!digits) return false;
  double value = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), value);
  if (error != std::errc() || end != digits->data() + digits->size()) return false;
  field = value;
  return true;
}

bool into(std::optional<bool>& field, Scanner& line) {
  const bool is_true = line.next() == 't';
  field = is_true;
  return line.take_word(is_true ? "true" : "false");
}

bool into(std::optional<std::string_view>& field, Scanner& line) {
  field = line.string();
  return field.has_value();
}

/// Names and whole numbers name a client; null, fractions and minus zero are not that simple.
bool client_into(std::optional<std::string_view>& field, Scanner& line) {
  if (line.next() == '"') return into(field, line);
  field = line.number();
  return field && field->size() <= kDigitsMax && std::ranges::all_of(*field, is_digit);
}

/// The value of a field that nobody asks for.
bool skip(Scanner& line) {
  switch (line.next()) {
    case '"':
      return line.string().has_value();
    case 't':
      return line.take_word("true");
    case 'f':
      return line.take_word("false");
    case 'n':
      return line.take_word("null");
    default:
      return line.number().has_value();
  }
}

bool read_value(std::string_view name, Scanner& line, EventLine& event) {
  if (name == "t") return into(event.t, line);
  if (name == "arm") return into(event.arm, line);
  if (name == "weight") return into(event.weight, line);
  if (name == "client") return client_into(event.client, line);
  if (name == "error") return into(event.error, line);
  if (name == "crashed") return into(event.crashed, line);
  if (name == "latency_s") return into(event.latency_s, line);
  return skip(line);
}
}  // namespace

std::optional<EventLine> read_simple(std::string_view text) {
  EventLine event;
  Scanner line(text);
  std::array<std::string_view, kFieldsMax> names;
  std::size_t count = 0;
  if (!line.take('{')) return std::nullopt;
  do {
    const auto name = line.string();
    const auto known = names.begin() + static_cast<std::ptrdiff_t>(count);
    const bool is_new =
        name && count < kFieldsMax && std::find(names.begin(), known, *name) == known;
    if (!is_new || !line.take(':') || !read_value(*name, line, event)) return std::nullopt;
    names[count++] = *name;
  } while (line.take(','));
  return line.take('}') && line.at_end() ? std::optional(event) : std::nullopt;
}

}  // namespace ecluse::judge
