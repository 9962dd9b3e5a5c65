#include "sha1.h"

#include <bit>

namespace ecluse::echo {
namespace {

using State = std::array<std::uint32_t, 5>;

std::uint32_t round_function(int round, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  if (round < 20) return (b & c) | (~b & d);
  if (round < 40 || round >= 60) return b ^ c ^ d;
  return (b & c) | (b & d) | (c & d);
}

void add_block(State& state, std::string_view block) {
  constexpr std::uint32_t kConstants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  std::array<std::uint32_t, 80> words{};
  for (std::size_t i = 0; i < 64; ++i)
    words[i / 4] = words[i / 4] << 8 | static_cast<std::uint8_t>(block[i]);
  for (std::size_t i = 16; i < 80; ++i)
    words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  auto [a, b, c, d, e] = state;
  for (int i = 0; i < 80; ++i) {
    const std::uint32_t next =
        std::rotl(a, 5) + round_function(i, b, c, d) + e + kConstants[i / 20] + words[i];
    e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
  }
  const State sum{a, b, c, d, e};
  for (std::size_t i = 0; i < 5; ++i) state[i] += sum[i];
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view text) {
  std::string padded(text);
  padded.push_back(static_cast<char>(0x80));
  while (padded.size() % 64 != 56) padded.push_back(0);
  for (int i = 7; i >= 0; --i) padded.push_back(static_cast<char>((text.size() * 8) >> (8 * i)));
  State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  for (std::size_t i = 0; i < padded.size(); i += 64)
    add_block(state, std::string_view(padded).substr(i, 64));
  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < 20; ++i)
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (8 * (3 - i % 4)));
  return digest;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < have ? static_cast<std::uint8_t>(bytes[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j)
      out.push_back(j <= have ? kAlphabet[group >> (18 - 6 * j) & 63] : '=');
  }
  return out;
}

std::string websocket_accept(std::string_view key) {
  const auto digest = sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace ecluse::echo
