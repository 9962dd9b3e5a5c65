#include "gateway/state_file.h"

#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "gateway/site_json.h"
#include "os/file.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;

constexpr std::string_view kMagic = "ecluse-gateway-state 1 ";
constexpr std::size_t kFileBytesMax = SharedMemory::kImageBytesMax + 4096;

std::string checksum(std::string_view body) {
  std::array<unsigned char, 16> digest{};
  crypto_generichash(digest.data(), digest.size(),
                     reinterpret_cast<const unsigned char*>(body.data()), body.size(), nullptr, 0);
  std::array<char, 33> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return hex.data();
}

json body_of(const GatewayState& state) {
  json sites = json::array();
  for (const auto& [key, known] : state.sites) {
    sites.push_back({{"site", to_json(known.site)},
                     {"fence", to_json(known.fence)},
                     {"removed", known.is_removed}});
  }
  json latches = json::array();
  for (const Latch& latch : state.latches) {
    latches.push_back({{"rollout", latch.rollout}, {"release", latch.release}});
  }
  return {{"sites", sites}, {"latches", latches}};
}

GatewayState state_of(const json& body) {
  GatewayState state;
  for (const json& entry : body.at("sites")) {
    KnownSite known{site_from_json(entry.at("site")), fence_from_json(entry.at("fence")),
                    entry.value("removed", false)};
    const model::EnvironmentKey key = known.site.key;
    state.sites.emplace(key, std::move(known));
  }
  for (const json& latch : body.at("latches")) {
    state.latches.push_back({latch.at("rollout"), latch.at("release")});
  }
  return state;
}
}  // namespace

std::string state_text(const GatewayState& state) {
  const std::string body = body_of(state).dump();
  return fmt::format("{}{}\n{}\n", kMagic, checksum(body), body);
}

Result<GatewayState> parse_state_text(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (!text.starts_with(kMagic) || end == std::string_view::npos || !text.ends_with('\n') ||
      end + 1 == text.size()) {
    return fail(ErrorKind::kInvalid, "it is not a whole state file of this version");
  }
  const std::string_view sum = text.substr(kMagic.size(), end - kMagic.size());
  const std::string_view body = text.substr(end + 1, text.size() - end - 2);
  if (sum != checksum(body)) return fail(ErrorKind::kInvalid, "its checksum is wrong");
  try {
    return state_of(json::parse(body));
  } catch (const json::exception& error) {
    return fail(ErrorKind::kInvalid, fmt::format("it cannot be read: {}", error.what()));
  }
}

namespace {
std::filesystem::path beside(const std::filesystem::path& file, std::string_view suffix) {
  return file.string() + std::string(suffix);
}

/// FILE.prev becomes what FILE is now, without a moment in which there is no FILE.
Result<void> keep_previous(const std::filesystem::path& file) {
  const auto link = beside(file, ".link");
  (void)::unlink(link.c_str());  // a leftover of a crash; link() complains if it could not go
  if (::link(file.c_str(), link.c_str()) != 0) {
    if (errno == ENOENT) return {};  // the first state
    return fail(from_errno(errno, fmt::format("link {}", file.string())));
  }
  if (::rename(link.c_str(), beside(file, ".prev").c_str()) != 0) {
    return fail(from_errno(errno, fmt::format("rename {}", link.string())));
  }
  return {};
}

Result<GatewayState> read_state(const std::filesystem::path& file) {
  ECLUSE_ASSIGN(const std::string text, os::read_file(file, kFileBytesMax));
  return parse_state_text(text);
}
}  // namespace

Result<void> save_state(const std::filesystem::path& file, std::string_view text) {
  ECLUSE_TRY(keep_previous(file));
  return os::replace_file(file, text, 0600);
}

Result<LoadedState> load_state(const std::filesystem::path& file) {
  const auto previous = beside(file, ".prev");
  const bool exists = std::filesystem::exists(file);
  if (!exists && !std::filesystem::exists(previous)) return LoadedState{};
  auto newest = read_state(file);
  if (newest) return LoadedState{std::move(*newest), {}};
  auto older = read_state(previous);
  if (!older) {
    return fail(ErrorKind::kInvalid,
                fmt::format("neither {} nor {} can be used: {}; {}", file.string(),
                            previous.string(), newest.error().message, older.error().message),
                "move both away to start with an empty table; the control plane fills it again");
  }
  const auto damaged = beside(file, ".damaged");
  if (exists && ::rename(file.c_str(), damaged.c_str()) != 0) {
    return fail(from_errno(errno, fmt::format("set {} aside", file.string())));
  }
  return LoadedState{std::move(*older),
                     fmt::format("{} is unusable ({}); the state before it is served, and it is "
                                 "kept as {}",
                                 file.string(), newest.error().message, damaged.string())};
}

}  // namespace ecluse::gateway
