#pragma once
// A checksum of a set of rows that does not depend on their order.

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "transfer/cell.h"

namespace ecluse::transfer {

using RowHash = std::array<unsigned char, 16>;

/// BLAKE2b-128 of the cells, each with its length, NULL unlike any text.
RowHash hash_of(std::span<const Cell> row);

/// The sum of the rows' hashes modulo 2^128, and how many there are: equal for equal multisets of
/// rows, and by accident for others with a chance of 2^-128.
class RowDigest {
 public:
  void add(const RowHash& row);
  std::uint64_t rows() const { return rows_; }
  /// 32 hexadecimal digits.
  std::string text() const;
  friend bool operator==(const RowDigest&, const RowDigest&) = default;

 private:
  RowHash sum_{};
  std::uint64_t rows_ = 0;
};

}  // namespace ecluse::transfer
