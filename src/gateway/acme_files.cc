#include "gateway/acme_files.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "os/file.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;
constexpr std::size_t kFileBytesMax = 16 << 20;

Result<json> read_json(const std::filesystem::path& file) {
  ECLUSE_ASSIGN(const std::string text, os::read_file(file, kFileBytesMax));
  json parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) {
    return fail(ErrorKind::kInvalid, fmt::format("{} is not JSON", file.string()));
  }
  return parsed;
}

Error wrong_shape(const std::filesystem::path& file, const json::exception& error) {
  return {ErrorKind::kInvalid, fmt::format("{} cannot be read: {}", file.string(), error.what()),
          "delete it; the gateway writes it anew"};
}
}  // namespace

Result<void> AcmeFiles::write_wishes(const std::set<AcmeWish>& wishes) const {
  json all = json::array();
  for (const AcmeWish& wish : wishes) {
    all.push_back({{"host", wish.host},
                   {"directory", wish.directory},
                   {"contact", wish.contact},
                   {"trusted", wish.trusted}});
  }
  return os::replace_file(wishes_file(), json{{"wishes", all}}.dump() + "\n", 0600);
}

Result<std::set<AcmeWish>> AcmeFiles::read_wishes() const {
  if (!std::filesystem::exists(wishes_file())) return std::set<AcmeWish>();
  ECLUSE_ASSIGN(const json parsed, read_json(wishes_file()));
  try {
    std::set<AcmeWish> wishes;
    for (const json& each : parsed.at("wishes")) {
      wishes.insert({each.at("host"), each.at("directory"), each.value("contact", ""),
                     each.value("trusted", "")});
    }
    return wishes;
  } catch (const json::exception& error) {
    return fail(wrong_shape(wishes_file(), error));
  }
}

Result<void> AcmeFiles::write_challenges(const AcmeChallenges& challenges) const {
  json all = json::array();
  for (const AcmeChallenge& each : challenges.all) {
    all.push_back({{"host", each.host},
                   {"type", each.type},
                   {"token", each.token},
                   {"key_authorization", each.key_authorization}});
  }
  const json whole{{"sequence", challenges.sequence}, {"challenges", all}};
  return os::replace_file(challenges_file(), whole.dump() + "\n", 0600);
}

Result<AcmeChallenges> AcmeFiles::read_challenges() const {
  if (!std::filesystem::exists(challenges_file())) return AcmeChallenges();
  ECLUSE_ASSIGN(const json parsed, read_json(challenges_file()));
  try {
    AcmeChallenges challenges{.sequence = parsed.at("sequence")};
    for (const json& each : parsed.at("challenges")) {
      challenges.all.push_back(
          {each.at("host"), each.at("type"), each.at("token"), each.at("key_authorization")});
    }
    return challenges;
  } catch (const json::exception& error) {
    return fail(wrong_shape(challenges_file(), error));
  }
}

Result<void> AcmeFiles::write_served(std::uint64_t sequence) const {
  return os::replace_file(served_file(), fmt::format("{}\n", sequence), 0600);
}

std::uint64_t AcmeFiles::read_served() const {
  const auto text = os::read_file(served_file(), 64);
  std::uint64_t sequence = 0;
  // No file, or an unreadable one, is a worker that has served none yet: the caller waits.
  if (text) (void)std::from_chars(text->data(), text->data() + text->size(), sequence);
  return sequence;
}

}  // namespace ecluse::gateway
