#pragma once
// Finds secret values in text, in every form of disguise.h, and writes their names in their place.

#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
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

  /// How many bytes of `text` can be redacted and given out while more of it may follow: the rest
  /// is a value, or the beginning of one, that what follows may go on with.
  std::size_t settled(std::string_view text) const;

 private:
  /// Where the first occurrence at or after `from` begins and ends (with all that overlap it).
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string_view name;
  };
  /// A span that begins at text.size() means none.
  Span find(std::string_view text, std::size_t from) const;
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
  bool begins_one(std::string_view text) const;

  static constexpr std::size_t kBits = 1 << 16;
  std::bitset<kBits> starts_;  ///< hashed first four bytes of every needle
  std::unordered_map<std::uint32_t, std::vector<Needle>> needles_;  ///< by them; longest first
  std::set<std::string, std::less<>> beginnings_;  ///< the first one, two and three bytes of each
  std::size_t longest_ = 0;
};

}  // namespace ecluse::secrets
