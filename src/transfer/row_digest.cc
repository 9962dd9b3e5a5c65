#include "transfer/row_digest.h"

#include <fmt/format.h>
#include <sodium.h>

namespace ecluse::transfer {

namespace {
void update(crypto_generichash_state& state, const void* bytes, std::size_t size) {
  crypto_generichash_update(&state, static_cast<const unsigned char*>(bytes), size);
}
}  // namespace

RowHash hash_of(std::span<const Cell> row) {
  constexpr std::uint64_t kNull = ~0ULL;
  RowHash hash{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  for (const auto& cell : row) {
    const std::uint64_t size = cell ? cell->size() : kNull;
    update(state, &size, sizeof size);
    if (cell) update(state, cell->data(), cell->size());
  }
  crypto_generichash_final(&state, hash.data(), hash.size());
  return hash;
}

void RowDigest::add(const RowHash& row) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const unsigned sum = sum_[i] + row[i] + carry;
    sum_[i] = static_cast<unsigned char>(sum & 0xFF);
    carry = sum >> 8;
  }
  ++rows_;
}

std::string RowDigest::text() const {
  std::string out;
  for (const auto byte : sum_) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace ecluse::transfer
