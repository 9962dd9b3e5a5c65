#include "backup/local_backups.h"

#include <fmt/format.h>

#include <algorithm>

#include "backup/backup_label.h"
#include "backup/postgres_dump.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"

namespace ecluse::backup {

namespace {
namespace fs = std::filesystem;
using model::ServiceKind;
using ports::BackupRequest;
using ports::BackupSet;

std::string size_of(std::uint64_t bytes) {
  constexpr std::uint64_t kKilo = 1000;
  if (bytes < kKilo * kKilo) return fmt::format("{} kB", (bytes + kKilo - 1) / kKilo);
  if (bytes < kKilo * kKilo * kKilo)
    return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
  return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

BackupSet set_of(const BackupLabel& label) {
  BackupSet set{.release = label.release, .made_at = label.made_at};
  std::vector<std::string> words;
  for (const Dump& dump : label.dumps) {
    set.bytes += dump.bytes;
    words.push_back(fmt::format("{}: {} tables, {}, restored in {:.1f} s", dump.service,
                                dump.tables, size_of(dump.bytes),
                                static_cast<double>(dump.restored_in.count()) / 1000));
  }
  if (!label.left_out.empty()) words.push_back("not in it: " + join(label.left_out, ", "));
  set.words = join(words, "; ");
  return set;
}

/// Several environments may share one external server, so the name is of all three; 63 bytes are
/// what PostgreSQL allows.
std::string scratch_name(const model::EnvironmentKey& key, const std::string& service) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : to_string(key) + "/" + service)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return fmt::format("ecluse_proof_{:016x}", hash);
}

std::vector<std::string> left_out_of(const BackupRequest& request) {
  std::vector<std::string> names;
  for (const auto& service : request.services)
    if (service.kind != ServiceKind::kPostgres) names.push_back(service.name);
  for (const auto& volume : request.volumes) names.push_back("volume " + volume);
  return names;
}

tl::unexpected<Error> nothing_to_back_up(const BackupRequest& request) {
  const auto has = left_out_of(request);
  return fail(ErrorKind::kRefused,
              fmt::format("ecluse backs up PostgreSQL, and {} has {}", to_string(request.key),
                          has.empty() ? "no database" : join(has, ", ")),
              "make a backup yourself, then --without-backup REASON");
}

void clear(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) log_warn("{} stays: {}", folder.string(), error.message());
}

/// Names are release numbers with zeros in front, so their order is the releases'.
std::vector<fs::path> newest_first(const fs::path& environment) {
  std::vector<fs::path> folders;
  std::error_code none;  // an environment without backups has no folder
  for (const auto& entry : fs::directory_iterator(environment, none))
    if (entry.is_directory()) folders.push_back(entry.path());
  std::ranges::sort(folders, std::greater<>());
  return folders;
}

/// Only what has our label goes, and never before another set is proven.
void forget_old(const fs::path& environment) {
  std::size_t kept = 0;
  for (const auto& folder : newest_first(environment))
    if (read_label(folder) && ++kept > ports::kBackupSetsKept) clear(folder);
}
}  // namespace

Result<BackupSet> LocalBackups::make(const BackupRequest& request, const fs::path& folder) {
  BackupLabel label{.release = request.release,
                    .made_at = clock_.wall(),
                    .dumps = {},
                    .left_out = left_out_of(request)};
  for (const auto& service : request.services) {
    if (service.kind != ServiceKind::kPostgres) continue;
    ECLUSE_ASSIGN(const auto access, services_.access(request.key, service));
    Dump one{.service = service.name, .file = service.name + ".dump"};
    const auto file = folder / one.file;
    const auto within = [&](auto result) {
      return in_context("backing up " + service.name, std::move(result).error());
    };
    if (auto dumped = dump(access, file); !dumped) return fail(within(std::move(dumped)));
    auto proof = prove_restore(access, file, scratch_name(request.key, service.name));
    if (!proof) return fail(within(std::move(proof)));
    one.tables = proof->tables;
    one.restored_in = proof->took;
    ECLUSE_ASSIGN(one.sha256, sha256_of(file));
    one.bytes = fs::file_size(file);
    label.dumps.push_back(std::move(one));
  }
  ECLUSE_TRY(write_label(folder, label));
  return set_of(label);
}

Result<BackupSet> LocalBackups::prove(const BackupRequest& request) {
  const auto environment = folder_of(request.key);
  const auto folder = environment / fmt::format("{:08}", request.release);
  if (const auto known = read_label(folder)) return set_of(*known);
  if (std::ranges::none_of(request.services, [](const auto& service) {
        return service.kind == ServiceKind::kPostgres;
      }))
    return nothing_to_back_up(request);
  clear(folder);  // what a crash left
  ECLUSE_TRY(os::make_folder(folder, 0700));
  auto set = make(request, folder);
  if (!set) {
    clear(folder);
    return set;
  }
  forget_old(environment);
  return set;
}

Result<std::vector<BackupSet>> LocalBackups::list(const model::EnvironmentKey& key) {
  std::vector<BackupSet> sets;
  for (const auto& folder : newest_first(folder_of(key)))
    if (const auto label = read_label(folder)) sets.push_back(set_of(*label));
  return sets;
}

}  // namespace ecluse::backup
