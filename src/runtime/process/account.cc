#include "runtime/process/account.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "os/file.h"

namespace ecluse::runtime {

namespace {
using Json = nlohmann::json;
constexpr std::uint32_t kAccountsMax = 1000;
constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::size_t kNameBytesMax = 31;  ///< what passwd and its readers bear

std::string passwd_name(std::string key) {
  for (char& c : key) {
    if (c == '/') c = '-';
  }
  return key.substr(0, kNameBytesMax);
}

Result<Json> read_accounts(const std::filesystem::path& file) {
  const auto text = os::read_file(file, kFileBytesMax);
  if (!text && text.error().kind == ErrorKind::kNotFound) return Json::object();
  if (!text) return fail(text.error());
  Json accounts = Json::parse(*text, nullptr, false);
  if (accounts.is_object()) return accounts;
  return fail(ErrorKind::kInvalid, fmt::format("{} is damaged: not a JSON object", file.string()),
              "restore it from a backup: it says which user owns which volume");
}
}  // namespace

Result<Account> Accounts::of(const std::string& key) {
  return lock_.with([&](int&) -> Result<Account> {
    ECLUSE_ASSIGN(Json accounts, read_accounts(file_));
    if (const auto known = accounts.find(key); known != accounts.end()) {
      return Account{passwd_name(key), known->get<std::uint32_t>()};
    }
    if (accounts.size() >= kAccountsMax) {
      return fail(ErrorKind::kExhausted,
                  fmt::format("all {} private users are given", kAccountsMax));
    }
    const auto uid = first_ + static_cast<std::uint32_t>(accounts.size());
    accounts[key] = uid;
    ECLUSE_TRY(os::replace_file(file_, accounts.dump(1) + "\n", 0600));
    return Account{passwd_name(key), uid};
  });
}

}  // namespace ecluse::runtime
