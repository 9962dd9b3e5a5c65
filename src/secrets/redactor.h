#pragma once
// Finds secret values in text, in every form of disguise.h, and writes their names in their place.

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ecluse::secrets {

struct NamedValue {
  std::string name;
  std::string value;
};

/// Immutable: share one between threads. Linear in the text whatever the number of values: each
/// position's four bytes are looked up in a bitmap first.
class Redactor {
 public:
  explicit Redactor(const std::vector<NamedValue>& values);

  /// Overlapping values are replaced as one, by the name of the first.
  std::string redact(std::string_view text) const;

  /// Where the first occurrence at or after `from` begins and ends (with all that overlap it).
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string_view name;
  };
  /// A span that begins at text.size() means none.
  Span find(std::string_view text, std::size_t from) const;
  /// Bytes of the longest form that is searched for.
  std::size_t longest() const { return longest_; }

 private:
  struct Needle {
    std::string text;
    std::string name;
    /// The longest is tried first; the rest only keeps logs independent of the order of secrets.
    bool operator<(const Needle& other) const {
      if (text.size() != other.text.size()) return text.size() > other.text.size();
      return std::tie(text, name) < std::tie(other.text, other.name);
    }
  };
  const Needle* longest_at(std::string_view text, std::size_t at) const;

  static constexpr std::size_t kBits = 1 << 16;
  std::bitset<kBits> starts_;  ///< hashed first four bytes of every needle
  std::unordered_map<std::uint32_t, std::vector<Needle>> needles_;  ///< by them; longest first
  std::size_t longest_ = 0;
};

/// Redacts a stream of lines that comes in arbitrary pieces. Not thread-safe.
class LineRedactor {
 public:
  /// A line longer than `line_bytes_max` is given out in pieces, none of which cuts a value.
  explicit LineRedactor(std::shared_ptr<const Redactor> redactor,
                        std::size_t line_bytes_max = 64 * 1024)
      : redactor_(std::move(redactor)), line_bytes_max_(line_bytes_max) {}

  /// What can be given out now: whole lines, redacted, with their newlines.
  std::string feed(std::string_view bytes);
  /// The rest, at the end of the stream.
  std::string finish();

 private:
  std::string take(std::size_t bytes);
  std::size_t safe_cut() const;

  std::shared_ptr<const Redactor> redactor_;
  std::size_t line_bytes_max_;
  std::string pending_;
};

}  // namespace ecluse::secrets
