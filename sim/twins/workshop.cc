#include "sim/twins/workshop.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/text.h"

namespace ecluse::sim {

Result<model::Commit> TwinVcs::resolve(const std::string&, const std::string&,
                                       const std::string& ref) {
  if (!files.contains(ref)) return fail(ErrorKind::kNotFound, fmt::format("no ref `{}`", ref));
  return model::Commit{ref, "A. Writer", "change `things` $(now)", {}};
}

Result<void> TwinVcs::checkout(const std::string&, const std::string&, const std::string&) {
  return {};
}

Result<std::string> TwinVcs::read(const std::string&, const std::string& sha,
                                  const std::string& path, std::size_t) {
  const auto found = files.find(sha);
  if (found == files.end())
    return fail(ErrorKind::kNotFound, fmt::format("{} has no {}", sha, path));
  return found->second;
}

Result<model::Artifact> TwinBuilder::build(const ports::BuildRequest& request,
                                           const ports::LineSink& sink) {
  if (faults)
    if (auto error = faults("builder.build")) return fail(*error);
  sink("building " + request.commit.sha);
  if (broken_commits.contains(request.commit.sha))
    return fail(ErrorKind::kInvalid, "the build of " + request.commit.sha + " failed");
  if (odd_commits.contains(request.commit.sha)) throw std::runtime_error("too many links");
  std::string digest = "sha256:" + request.commit.sha;
  for (const auto& [name, value] : request.inlined) digest += "+" + name + value;
  model::Artifact artifact{.digest = digest,
                           .app = request.spec.app,
                           .commit = request.commit.sha,
                           .environment = request.inlined.empty() ? "" : request.spec.name,
                           .bytes = 1000};
  artifacts[digest] = artifact;
  return artifact;
}

Result<ports::CheckOutcome> TwinBuilder::check(const ports::CheckRequest& request,
                                               const ports::LineSink& sink) {
  if (faults)
    if (auto error = faults("builder.check")) return fail(*error);
  sink("checking " + request.commit.sha);
  return ports::CheckOutcome{red_commits.contains(request.commit.sha) ? 1 : 0, std::nullopt,
                             "done"};
}

Result<std::string> TwinBuilder::path_of(const std::string& digest) {
  if (!artifacts.contains(digest))
    return fail(ErrorKind::kNotFound, fmt::format("artifact {} was deleted", digest));
  return "/artifacts/" + digest;
}

Result<std::vector<model::Artifact>> TwinBuilder::list() {
  std::vector<model::Artifact> all;
  for (const auto& [digest, artifact] : artifacts) all.push_back(artifact);
  return all;
}

Result<std::uint64_t> TwinBuilder::reclaim(const std::set<std::string>& pinned, bool dry_run) {
  std::uint64_t bytes = 0;
  for (const auto& [digest, artifact] : artifacts)
    if (!pinned.contains(digest)) bytes += artifact.bytes;
  if (!dry_run)
    std::erase_if(artifacts, [&](const auto& entry) { return !pinned.contains(entry.first); });
  return bytes;
}

Result<void> TwinServices::ensure(const model::EnvironmentKey&, const model::ServiceSpec&) {
  if (faults)
    if (auto error = faults("services.ensure")) return fail(*error);
  return {};
}

Result<void> TwinServices::stop(const model::EnvironmentKey&, const std::string&) {
  return {};
}

Result<std::map<std::string, std::string>> TwinServices::variables(
    const model::EnvironmentKey& key, const std::vector<model::ServiceSpec>& specs) {
  std::map<std::string, std::string> out;
  for (const auto& spec : specs)
    out["DATABASE_URL"] = fmt::format("postgresql://{}/{}", to_string(key), spec.name);
  return out;
}

Result<std::vector<ports::ServiceStatus>> TwinServices::status(
    const model::EnvironmentKey&, const std::vector<model::ServiceSpec>& specs) {
  std::vector<ports::ServiceStatus> out;
  for (const auto& spec : specs)
    out.push_back({spec.name, spec.kind, "15", false, true, "accepting connections", 100});
  return out;
}

Result<ports::DatabaseAccess> TwinServices::access(const model::EnvironmentKey&,
                                                   const model::ServiceSpec&) {
  return fail(ErrorKind::kRefused, "a twin has no server behind it");
}

Result<ports::BackupSet> TwinBackups::prove(const ports::BackupRequest& request) {
  if (faults)
    if (auto error = faults("backups.prove")) return fail(*error);
  auto& sets = kept_[request.key];
  if (const auto known = sets.find(request.release); known != sets.end()) return known->second;
  std::vector<std::string> in_it;
  std::vector<std::string> left_out;
  for (const auto& service : request.services)
    (service.kind == model::ServiceKind::kPostgres ? in_it : left_out).push_back(service.name);
  for (const auto& volume : request.volumes) left_out.push_back("volume " + volume);
  if (in_it.empty()) return fail(ErrorKind::kRefused, "there is no database");
  if (database_is_away) return fail(ErrorKind::kUnavailable, "the database does not answer");
  ports::BackupSet set{.release = request.release, .bytes = 1'200'000};
  set.words = fmt::format("{}: 12 tables, 1.2 MB, restored in 0.8 s", join(in_it, ", "));
  if (!left_out.empty()) set.words += "; not in it: " + join(left_out, ", ");
  proven.insert({request.key, request.release});
  sets[request.release] = set;
  if (sets.size() > ports::kBackupSetsKept) sets.erase(sets.begin());
  return set;
}

Result<std::vector<ports::BackupSet>> TwinBackups::list(const model::EnvironmentKey& key) {
  std::vector<ports::BackupSet> sets;
  for (const auto& [release, set] : kept_[key]) sets.insert(sets.begin(), set);
  return sets;
}

Result<std::uint32_t> TwinSecrets::set(const model::EnvironmentKey& key, const std::string& name,
                                       std::string_view value, const std::string&) {
  auto& versions = values_[key][name];
  versions.emplace_back(value);
  return static_cast<std::uint32_t>(versions.size());
}

Result<void> TwinSecrets::remove(const model::EnvironmentKey& key, const std::string& name,
                                 const std::string&) {
  values_[key].erase(name);
  return {};
}

Result<std::vector<ports::SecretInfo>> TwinSecrets::list(const model::EnvironmentKey& key) {
  std::vector<ports::SecretInfo> out;
  for (const auto& [name, versions] : values_[key])
    out.push_back({name, static_cast<std::uint32_t>(versions.size()), {}, "somebody"});
  return out;
}

Result<std::string> TwinSecrets::get(const model::EnvironmentKey& key, const std::string& name,
                                     std::optional<std::uint32_t> version) {
  const auto& all = values_[key];
  const auto found = all.find(name);
  if (found == all.end())
    return fail(ErrorKind::kNotFound, fmt::format("no secret {}", name), "ecluse secret set");
  const auto wanted = version.value_or(static_cast<std::uint32_t>(found->second.size()));
  if (wanted == 0 || wanted > found->second.size())
    return fail(ErrorKind::kNotFound, fmt::format("secret {} has no version {}", name, wanted));
  return found->second[wanted - 1];
}

std::string TwinSecrets::redact(std::string_view text) const {
  std::string out(text);
  for (const auto& [key, names] : values_)
    for (const auto& [name, versions] : names)
      for (const auto& value : versions)
        for (auto at = out.find(value); at != std::string::npos; at = out.find(value))
          out.replace(at, value.size(), "[redacted " + name + "]");
  return out;
}

/// Keeps all: a simulated life has few.
Result<void> TwinSecrets::prune(const model::EnvironmentKey&, const std::string&,
                                const std::set<std::uint32_t>&) {
  return {};
}

/// Its logs come whole.
std::size_t TwinSecrets::settled(std::string_view text) const {
  return text.size();
}

void TwinStageLogs::append(const std::string& rollout, const std::string& stage,
                           std::string_view line) {
  texts[rollout + " " + stage] += std::string(line) + "\n";
}

Result<ports::LogChunk> TwinStageLogs::read(const std::string& rollout, const std::string& stage,
                                            std::uint64_t from_offset, Duration) {
  const auto found = texts.find(rollout + " " + stage);
  if (found == texts.end()) return fail(ErrorKind::kNotFound, "no log of stage " + stage);
  const auto& text = found->second;
  return ports::LogChunk{text.substr(std::min<std::size_t>(from_offset, text.size())), text.size()};
}

}  // namespace ecluse::sim
