#include "secrets/secret_store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/locked.h"
#include "base/text.h"
#include "os/file.h"
#include "secrets/secret_box.h"

namespace ecluse::secrets {

namespace {
namespace fs = std::filesystem;
using model::EnvironmentKey;

constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kValueBytesMax = 64 * 1024;
constexpr std::size_t kNamesMax = 256;
constexpr std::size_t kVersionsKept = 100;
constexpr std::size_t kFileBytesMax = 512U << 20U;
constexpr std::string_view kSuffix = ".secrets";
constexpr std::string_view kCredential = "ecluse-key";

bool is_secret_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= kNameBytesMax && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), fits);
}

Result<void> check_name(const std::string& name) {
  if (is_secret_name(name)) return {};
  return fail(ErrorKind::kInvalid, fmt::format("'{}' cannot name a secret", printable(name, 60)),
              "use capital letters, digits and _, as in SECRET_KEY");
}

Result<void> check_value(std::string_view value) {
  if (value.empty()) return fail(ErrorKind::kInvalid, "the value is empty");
  if (value.size() > kValueBytesMax) {
    return fail(ErrorKind::kInvalid, fmt::format("the value has {} bytes, at most {} are kept",
                                                 value.size(), kValueBytesMax));
  }
  if (!is_valid_utf8(value) || value.find('\0') != std::string_view::npos) {
    return fail(ErrorKind::kInvalid,
                "the value is not text, so no environment variable can hold it",
                "encode it, for example with base64");
  }
  return {};
}

/// A part of a path: a name as model::is_name, and `.` inside for names of our own.
bool is_path_part(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return !text.empty() && text[0] != '.' && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), fits);
}

Result<void> check_environment(const EnvironmentKey& key) {
  if (is_path_part(key.app) && is_path_part(key.environment)) return {};
  return fail(ErrorKind::kInvalid,
              fmt::format("'{}' is not an environment", printable(model::to_string(key), 80)));
}

tl::unexpected<Error> unknown(const EnvironmentKey& key, const std::string& name,
                              const SecretBox& box) {
  std::vector<std::string> names;
  for (const auto& [one, secret] : box) {
    if (!secret.removed) names.push_back(one);
  }
  const auto near = nearest(name, names);
  const auto hint = near ? fmt::format("did you mean {}? ", *near) : std::string();
  return fail(ErrorKind::kNotFound,
              fmt::format("secret {} is not set for {}", name, model::to_string(key)),
              fmt::format("{}set it with `ecluse secret set {}`", hint, name));
}

fs::path file_of(const fs::path& folder, const EnvironmentKey& key) {
  return folder / key.app / (key.environment + std::string(kSuffix));
}

using Boxes = std::map<EnvironmentKey, SecretBox>;

Result<std::vector<EnvironmentKey>> stored_environments(const fs::path& folder) {
  std::vector<EnvironmentKey> found;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it.depth() != 1 || it->path().extension() != kSuffix) continue;
    found.push_back({it->path().parent_path().filename(), it->path().stem()});
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(from_errno(error.value(), fmt::format("read {}", folder.string())));
  }
  return found;
}

Result<SecretBox> read_box(const fs::path& folder, const EnvironmentKey& environment,
                           const SecretKey& key) {
  const auto file = file_of(folder, environment);
  ECLUSE_ASSIGN(const std::string bytes, os::read_file(file, kFileBytesMax));
  auto box = unseal(bytes, environment, key);
  if (!box) return fail(in_context(fmt::format("secrets in {}", file.string()), box.error()));
  return std::move(*box);
}

Result<SecretKey> load(const SecretStorePlaces& places, bool has_secrets) {
  const auto credential = places.credentials / kCredential;
  std::error_code error;
  if (!places.credentials.empty() && fs::exists(credential, error)) {
    return load_key(credential, IfMissing::kFail);
  }
  auto key = load_key(places.key_file, has_secrets ? IfMissing::kFail : IfMissing::kCreate);
  if (key || key.error().kind != ErrorKind::kNotFound) return key;
  return fail(ErrorKind::kNotFound,
              fmt::format("the key {} is missing, but secrets encrypted with it are in {}",
                          places.key_file.string(), places.folder.string()),
              "restore the key from your backup; without it move that folder away and set the "
              "secrets anew");
}

std::uint32_t next_version(const Secret& secret) {
  return secret.versions.empty() ? 1 : secret.versions.back().version + 1;
}

bool is_newest(const Secret& secret, std::string_view value) {
  return !secret.removed && !secret.versions.empty() && secret.versions.back().value == value;
}

void add_version(Secret& secret, SecretVersion version) {
  secret.removed = false;
  secret.versions.push_back(std::move(version));
}

/// Whether any was forgotten.
bool forget_old(Secret& secret, const std::set<std::uint32_t>& pinned) {
  if (secret.versions.size() <= kVersionsKept) return false;
  const auto newest = secret.versions.end() - static_cast<std::ptrdiff_t>(kVersionsKept);
  const auto gone = std::remove_if(secret.versions.begin(), newest,
                                   [&](const auto& one) { return !pinned.contains(one.version); });
  const bool any = gone != newest;
  secret.versions.erase(gone, newest);
  return any;
}
}  // namespace

struct SecretStore::Parts {
  SecretStorePlaces places;
  ports::Clock& clock;
  SecretKey key;
  struct Known {
    Boxes boxes;
    std::vector<NamedValue> registered;
  };
  Locked<Known> known;
  Locked<std::shared_ptr<const Redactor>> redactor;

  Parts(SecretStorePlaces where, ports::Clock& time, SecretKey secret_key, Boxes boxes)
      : places(std::move(where)),
        clock(time),
        key(std::move(secret_key)),
        known(Known{std::move(boxes), {}}) {
    known.with([this](const Known& all) { rebuild(all); });
  }

  /// Under the lock of `known`, so that redactors replace each other in order.
  void rebuild(const Known& all) {
    std::vector<NamedValue> values = all.registered;
    for (const auto& [environment, box] : all.boxes) {
      for (const auto& [name, secret] : box) {
        for (const auto& one : secret.versions) values.push_back({name, one.value});
      }
    }
    auto fresh = std::make_shared<const Redactor>(values);
    redactor.with([&](auto& current) { current = std::move(fresh); });
  }

  /// Disk first: what cannot be stored is not believed to be set.
  Result<void> store(Known& all, const EnvironmentKey& environment, SecretBox box) {
    const auto file = file_of(places.folder, environment);
    ECLUSE_TRY(os::make_folder(file.parent_path(), 0700));
    ECLUSE_TRY(os::replace_file(file, seal(box, environment, key), 0600));
    all.boxes[environment] = std::move(box);
    rebuild(all);
    return {};
  }

  Result<std::uint32_t> set(Known& all, const EnvironmentKey& environment, const std::string& name,
                            std::string_view value, const std::string& actor) {
    SecretBox box = all.boxes[environment];
    if (!box.contains(name) && box.size() >= kNamesMax) {
      return fail(ErrorKind::kExhausted,
                  fmt::format("{} has {} secrets already, the most there are",
                              model::to_string(environment), kNamesMax));
    }
    auto& secret = box[name];
    if (is_newest(secret, value)) return secret.versions.back().version;
    const auto version = next_version(secret);
    add_version(secret, {version, std::string(value), clock.wall(), actor});
    ECLUSE_TRY(store(all, environment, std::move(box)));
    return version;
  }

  Result<void> remove(Known& all, const EnvironmentKey& environment, const std::string& name) {
    SecretBox box = all.boxes[environment];
    const auto found = box.find(name);
    if (found == box.end() || found->second.removed) return unknown(environment, name, box);
    found->second.removed = true;
    return store(all, environment, std::move(box));
  }

  Result<void> prune(Known& all, const EnvironmentKey& environment, const std::string& name,
                     const std::set<std::uint32_t>& pinned) {
    SecretBox box = all.boxes[environment];
    const auto found = box.find(name);
    if (found == box.end() || !forget_old(found->second, pinned)) return {};
    return store(all, environment, std::move(box));
  }
};

SecretStore::SecretStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SecretStore::~SecretStore() = default;

Result<std::unique_ptr<SecretStore>> SecretStore::open(const SecretStorePlaces& places,
                                                       ports::Clock& clock) {
  ECLUSE_ASSIGN(const auto environments, stored_environments(places.folder));
  ECLUSE_ASSIGN(SecretKey key, load(places, !environments.empty()));
  Boxes boxes;
  for (const auto& environment : environments) {
    ECLUSE_ASSIGN(SecretBox box, read_box(places.folder, environment, key));
    boxes.emplace(environment, std::move(box));
  }
  auto parts = std::make_unique<Parts>(places, clock, std::move(key), std::move(boxes));
  return std::unique_ptr<SecretStore>(new SecretStore(std::move(parts)));
}

Result<std::uint32_t> SecretStore::set(const EnvironmentKey& key, const std::string& name,
                                       std::string_view value, const std::string& actor) {
  ECLUSE_TRY(check_environment(key));
  ECLUSE_TRY(check_name(name));
  if (auto checked = check_value(value); !checked) {
    return fail(in_context(fmt::format("secret {}", name), std::move(checked).error()));
  }
  return parts_->known.with(
      [&](Parts::Known& all) { return parts_->set(all, key, name, value, actor); });
}

Result<void> SecretStore::remove(const EnvironmentKey& key, const std::string& name,
                                 const std::string& /*actor: the audit log keeps who*/) {
  ECLUSE_TRY(check_environment(key));
  ECLUSE_TRY(check_name(name));
  return parts_->known.with([&](Parts::Known& all) { return parts_->remove(all, key, name); });
}

Result<void> SecretStore::prune(const EnvironmentKey& key, const std::string& name,
                                const std::set<std::uint32_t>& pinned) {
  ECLUSE_TRY(check_environment(key));
  return parts_->known.with(
      [&](Parts::Known& all) { return parts_->prune(all, key, name, pinned); });
}

Result<std::vector<ports::SecretInfo>> SecretStore::list(const EnvironmentKey& key) {
  return parts_->known.with([&](const Parts::Known& all) {
    std::vector<ports::SecretInfo> infos;
    const auto box = all.boxes.find(key);
    if (box == all.boxes.end()) return infos;
    for (const auto& [name, secret] : box->second) {
      const auto& newest = secret.versions.back();
      if (!secret.removed) infos.push_back({name, newest.version, newest.at, newest.by});
    }
    return infos;
  });
}

Result<std::string> SecretStore::get(const EnvironmentKey& key, const std::string& name,
                                     std::optional<std::uint32_t> version) {
  return parts_->known.with([&](const Parts::Known& all) -> Result<std::string> {
    static const SecretBox kNone;
    const auto box = all.boxes.find(key);
    const auto& secrets = box == all.boxes.end() ? kNone : box->second;
    const auto found = secrets.find(name);
    if (found == secrets.end() || (!version && found->second.removed)) {
      return unknown(key, name, secrets);
    }
    const auto& versions = found->second.versions;
    if (!version) return versions.back().value;
    for (const auto& one : versions) {
      if (one.version == *version) return one.value;
    }
    return fail(ErrorKind::kNotFound,
                fmt::format("version {} of secret {} is not kept for {}; versions {} to {} are",
                            *version, name, model::to_string(key), versions.front().version,
                            versions.back().version));
  });
}

std::string SecretStore::redact(std::string_view text) const {
  return redactor()->redact(text);
}

std::size_t SecretStore::settled(std::string_view text) const {
  return redactor()->settled(text);
}

void SecretStore::register_value(const std::string& name, const std::string& value) {
  parts_->known.with([&](Parts::Known& all) {
    const auto same = [&](const NamedValue& one) { return one.value == value; };
    if (std::any_of(all.registered.begin(), all.registered.end(), same)) return;
    all.registered.push_back({name, value});
    parts_->rebuild(all);
  });
}

std::shared_ptr<const Redactor> SecretStore::redactor() const {
  return parts_->redactor.with([](const auto& current) { return current; });
}

}  // namespace ecluse::secrets
