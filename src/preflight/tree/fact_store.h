#pragma once
// What source files said when they were read last, kept from one reading of a repository to the
// next: most of them have not changed, and their syntax trees are what takes the time. A file is
// known by a digest of its path and its bytes, so what is found is what reading it would find.

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "preflight/facts/repository.h"

namespace ecluse::preflight {

/// Of one repository. find() and key_of() are for any thread, the others for the one that made it.
class FactStore {
 public:
  using Key = std::array<unsigned char, 16>;

  static constexpr std::size_t kBytesMax = 64 << 20;   ///< of one repository; beyond, none is kept
  static constexpr std::size_t kRepositoriesMax = 32;  ///< files of one folder: those used last

  /// Keeps them in `folder`, in a file that is named after `repository`. What `program` (its build
  /// id) did not write, or what was damaged since, holds nothing.
  FactStore(const std::filesystem::path& folder, const std::filesystem::path& repository,
            std::string program);
  FactStore(FactStore&&) = delete;  // views into itself

  static Key key_of(std::string_view path, std::string_view bytes);
  /// What to_bytes() made of the file; a view as long as the store lives.
  std::optional<std::string_view> find(const Key& key) const;
  /// A file that find() knew is in the repository still. What save() writes is what was kept.
  void keep(const Key& key);
  /// So is one that it did not know.
  void keep(const Key& key, std::string bytes) { news_.insert_or_assign(key, std::move(bytes)); }
  /// Nothing is written when nothing was kept that was not known. For its owner alone: facts hold
  /// pieces of source.
  Result<void> save() const;

 private:
  std::size_t packed_size() const;
  std::string packed() const;
  void unpack();
  Result<void> forget_oldest() const;

  std::filesystem::path file_;
  std::string program_;
  std::string bytes_;                      ///< of the file
  std::map<Key, std::string_view> known_;  ///< into `bytes_`
  std::map<Key, std::string_view> still_;  ///< those of them that were kept
  std::map<Key, std::string> news_;
};

}  // namespace ecluse::preflight
