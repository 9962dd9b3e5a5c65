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
#include <vector>

#include "base/result.h"
#include "preflight/facts/repository.h"

namespace ecluse::preflight {

/// Of one repository. find() and key_of() are for any thread, the others for the one that made it.
class FactStore {
 public:
  using Key = std::array<unsigned char, 16>;

  static constexpr std::size_t kBytesMax = 64 << 20;   ///< of one repository; beyond, none is kept
  static constexpr std::size_t kRepositoriesMax = 32;  ///< in one folder: those used last

  /// Keeps them in `folder`, in a file that is named after `repository`. What `program` (its build
  /// id) did not write, or what was damaged since, holds nothing.
  FactStore(const std::filesystem::path& folder, const std::filesystem::path& repository,
            std::string program);

  static Key key_of(std::string_view path, std::string_view bytes);
  /// What to_bytes() made of the file; null when it is not known.
  const std::string* find(const Key& key) const;
  /// It was in the repository just now. What save() writes is what was kept since the beginning.
  void keep(const Key& key, std::string bytes);
  /// Nothing is written when nothing was kept that was not known. For its owner alone: facts hold
  /// pieces of source.
  Result<void> save() const;

 private:
  using Facts = std::map<Key, std::string>;

  std::string packed() const;
  void unpack(const std::string& bytes);
  Result<void> forget_oldest() const;

  std::filesystem::path file_;
  std::string program_;
  Facts known_;
  Facts kept_;
};

}  // namespace ecluse::preflight
