#include "preflight/tree/fact_store.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <vector>

#include "os/file.h"

namespace ecluse::preflight {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kEnding = ".facts";
constexpr std::size_t kSealBytes = crypto_generichash_BYTES;

/// BLAKE2b (RFC 7693).
template <std::size_t kBytes>
std::array<unsigned char, kBytes> digest_of(std::initializer_list<std::string_view> parts) {
  static_assert(kBytes >= crypto_generichash_BYTES_MIN && kBytes <= crypto_generichash_BYTES_MAX);
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, kBytes);
  for (const auto part : parts)
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()),
                              part.size());
  std::array<unsigned char, kBytes> digest{};
  crypto_generichash_final(&state, digest.data(), kBytes);
  return digest;
}

std::string seal_of(std::string_view bytes) {
  const auto digest = digest_of<kSealBytes>({bytes});
  return {digest.begin(), digest.end()};
}

void put(std::string& bytes, std::string_view field) {
  const auto size = static_cast<std::uint32_t>(field.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(field);
}

std::size_t size_of_field(std::string_view field) {
  return sizeof(std::uint32_t) + field.size();
}

template <typename Field>
std::size_t size_of_fields(const std::map<FactStore::Key, Field>& facts) {
  std::size_t size = 0;
  for (const auto& [key, field] : facts) size += key.size() + size_of_field(field);
  return size;
}

/// The next `size` bytes of `rest`, or what there is of them.
std::string_view take(std::string_view& rest, std::size_t size) {
  const auto taken = rest.substr(0, size);
  rest.remove_prefix(taken.size());
  return taken;
}

std::string_view take_field(std::string_view& rest) {
  std::uint32_t size = 0;
  const auto bytes = take(rest, sizeof size);
  std::memcpy(&size, bytes.data(), bytes.size());
  return take(rest, size);
}

std::string hex(const FactStore::Key& key) {
  return fmt::format("{:02x}", fmt::join(key, ""));
}

/// Named by us: the digits of a key, and the ending; or what a save() that was killed left, which
/// has more behind that.
bool is_store(const fs::path& file) {
  const auto name = file.filename().string();
  constexpr auto kDigits = 2 * std::tuple_size_v<FactStore::Key>;
  const auto rest = std::string_view(name).substr(std::min(kDigits, name.size()));
  return name.find_first_not_of("0123456789abcdef") == kDigits && rest.starts_with(kEnding) &&
         (rest.size() == kEnding.size() || rest[kEnding.size()] == '.');
}

}  // namespace

FactStore::FactStore(const fs::path& folder, const fs::path& repository, std::string program)
    : file_(folder / (hex(key_of(repository.string(), "")) + std::string(kEnding))),
      program_(std::move(program)) {
  auto bytes = os::read_file(file_, kBytesMax);
  if (!bytes) return;  // one that is not there, or cannot be read, only costs time
  bytes_ = std::move(*bytes);
  unpack();
}

FactStore::Key FactStore::key_of(std::string_view path, std::string_view bytes) {
  // A path holds no zero byte: two pairs never give one text.
  return digest_of<std::tuple_size_v<Key>>({path, std::string_view("\0", 1), bytes});
}

std::optional<std::string_view> FactStore::find(const Key& key) const {
  const auto found = known_.find(key);
  return found == known_.end() ? std::nullopt : std::optional(found->second);
}

void FactStore::keep(const Key& key) {
  if (const auto known = find(key)) still_.insert_or_assign(key, *known);
}

Result<void> FactStore::save() const {
  if (news_.empty()) {
    std::error_code none;  // there is no file when there are no facts
    fs::last_write_time(file_, fs::file_time_type::clock::now(), none);
    return {};
  }
  if (packed_size() > kBytesMax) return {};
  const auto bytes = packed();
  ECLUSE_TRY(os::make_folder(file_.parent_path(), 0700));
  ECLUSE_TRY(os::replace_file(file_, bytes, 0600));
  return forget_oldest();
}

std::size_t FactStore::packed_size() const {
  return kSealBytes + size_of_field(program_) + size_of_fields(still_) + size_of_fields(news_);
}

/// A seal of what follows: the program, then a key and its facts, as often as there are any.
std::string FactStore::packed() const {
  std::string bytes(kSealBytes, '\0');
  bytes.reserve(packed_size());
  put(bytes, program_);
  const auto put_all = [&](const auto& facts) {
    for (const auto& [key, each] : facts) {
      bytes.append(key.begin(), key.end());
      put(bytes, each);
    }
  };
  put_all(still_);
  put_all(news_);
  bytes.replace(0, kSealBytes, seal_of(std::string_view(bytes).substr(kSealBytes)));
  return bytes;
}

void FactStore::unpack() {
  std::string_view rest = bytes_;
  const auto seal = take(rest, kSealBytes);
  if (seal != seal_of(rest) || take_field(rest) != program_) return;
  while (rest.size() >= std::tuple_size_v<Key>) {
    const auto digits = take(rest, std::tuple_size_v<Key>);
    Key key{};
    std::ranges::copy(digits, key.begin());
    known_.insert_or_assign(key, take_field(rest));
  }
}

Result<void> FactStore::forget_oldest() const {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> stores;
  auto entry = fs::directory_iterator(file_.parent_path(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code gone;  // another check forgot it meanwhile
    const auto time = fs::last_write_time(entry->path(), gone);
    if (!gone && entry->is_regular_file(gone) && is_store(entry->path()))
      stores.emplace_back(time, entry->path());
  }
  std::ranges::sort(stores, std::greater());
  for (std::size_t i = kRepositoriesMax; i < stores.size() && !error; ++i)
    fs::remove(stores[i].second, error);
  if (error) return fail(from_errno(error.value(), "old facts in " + file_.parent_path().string()));
  return {};
}

}  // namespace ecluse::preflight
