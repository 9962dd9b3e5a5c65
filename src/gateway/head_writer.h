#pragma once
// Writes the heads we send, field by field, into a bounded span. What was received as framing is
// never copied: every head is made anew.

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <string_view>

namespace ecluse::gateway {

class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> room) : room_(room) {}

  HeadWriter& text(std::string_view bytes) {
    if (bytes.size() > room_.size() - used_) {
      overflowed_ = true;
    } else {
      std::copy(bytes.begin(), bytes.end(), room_.begin() + static_cast<std::ptrdiff_t>(used_));
      used_ += bytes.size();
    }
    return *this;
  }
  HeadWriter& number(std::uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return text({digits, static_cast<std::size_t>(end - digits)});
  }
  HeadWriter& field(std::string_view name, std::string_view value) {
    return text(name).text(": ").text(value).text("\r\n");
  }
  HeadWriter& field(std::string_view name, std::uint64_t value) {
    return text(name).text(": ").number(value).text("\r\n");
  }
  void end() { text("\r\n"); }

  std::size_t bytes() const { return used_; }
  bool overflowed() const { return overflowed_; }

 private:
  std::span<char> room_;
  std::size_t used_ = 0;
  bool overflowed_ = false;
};

}  // namespace ecluse::gateway
