#include "preflight/tree/fact_store.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cereal/archives/binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <exception>
#include <sstream>
#include <system_error>
#include <utility>

#include "os/file.h"

namespace ecluse::preflight {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kEnding = ".facts";

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
  const auto digest = digest_of<crypto_generichash_BYTES>({bytes});
  return {digest.begin(), digest.end()};
}

std::string hex(const FactStore::Key& key) {
  std::string text;
  for (const auto byte : key) text += fmt::format("{:02x}", byte);
  return text;
}

/// Named by us: the digits of a key, and the ending.
bool is_store(const fs::directory_entry& entry) {
  const auto name = entry.path().filename().string();
  const auto digits = 2 * std::tuple_size_v<FactStore::Key>;
  std::error_code error;
  return name.size() == digits + kEnding.size() && name.ends_with(kEnding) &&
         name.find_first_not_of("0123456789abcdef") == digits && entry.is_regular_file(error);
}

}  // namespace

FactStore::FactStore(const fs::path& folder, const fs::path& repository, std::string program)
    : file_(folder / (hex(key_of(repository.string(), "")) + std::string(kEnding))),
      program_(std::move(program)) {
  // One that is not there, or cannot be read, only costs time.
  if (const auto bytes = os::read_file(file_, kBytesMax)) unpack(*bytes);
}

FactStore::Key FactStore::key_of(std::string_view path, std::string_view bytes) {
  // A path holds no zero byte: two pairs never give one text.
  return digest_of<std::tuple_size_v<Key>>({path, std::string_view("\0", 1), bytes});
}

const std::string* FactStore::find(const Key& key) const {
  const auto found = known_.find(key);
  return found == known_.end() ? nullptr : &found->second;
}

void FactStore::keep(const Key& key, std::string bytes) {
  kept_.insert_or_assign(key, std::move(bytes));
}

Result<void> FactStore::save() const {
  const bool news =
      std::ranges::any_of(kept_, [this](const auto& each) { return !known_.contains(each.first); });
  if (!news) {
    std::error_code none;  // there is no file when there are no facts
    fs::last_write_time(file_, fs::file_time_type::clock::now(), none);
    return {};
  }
  const auto bytes = packed();
  if (bytes.size() > kBytesMax) return {};
  ECLUSE_TRY(os::make_folder(file_.parent_path(), 0700));
  ECLUSE_TRY(os::replace_file(file_, bytes, 0600));
  return forget_oldest();
}

std::string FactStore::packed() const {
  std::ostringstream out;
  cereal::BinaryOutputArchive archive(out);
  archive(program_, kept_);
  const auto bytes = std::move(out).str();
  return seal_of(bytes) + bytes;
}

void FactStore::unpack(const std::string& bytes) {
  if (bytes.size() < crypto_generichash_BYTES) return;
  const auto sealed = bytes.substr(crypto_generichash_BYTES);
  if (!bytes.starts_with(seal_of(sealed))) return;
  try {
    std::istringstream in(sealed);
    cereal::BinaryInputArchive archive(in);
    std::string program;
    archive(program);
    if (program == program_) archive(known_);
  } catch (const std::exception&) {
    known_.clear();
  }
}

Result<void> FactStore::forget_oldest() const {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> stores;
  for (const auto& entry : fs::directory_iterator(file_.parent_path(), error))
    if (is_store(entry)) stores.emplace_back(entry.last_write_time(error), entry.path());
  std::ranges::sort(stores, std::greater());
  for (std::size_t i = kRepositoriesMax; i < stores.size() && !error; ++i)
    fs::remove(stores[i].second, error);
  if (error) return fail(from_errno(error.value(), "old facts in " + file_.parent_path().string()));
  return {};
}

}  // namespace ecluse::preflight
