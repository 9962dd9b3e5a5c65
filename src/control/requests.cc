#include "control/requests.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/parse.h"
#include "control/examination.h"
#include "control/launch.h"
#include "control/secret_versions.h"

namespace ecluse::control {

namespace {
constexpr std::size_t kConfigBytesMax = 1 << 20;
constexpr const char* kConfigFile = "ecluse.yml";

std::string names_of(const model::AppSpec& app) {
  std::vector<std::string> names;
  for (const auto& environment : app.environments) names.push_back(environment.name);
  return join(names, ", ");
}

Result<const model::EnvironmentSpec*> choose(const model::AppSpec& app, const std::string& name) {
  if (app.environments.empty())
    return fail(ErrorKind::kInvalid, fmt::format("{} names no environment", kConfigFile),
                "add `environments:` to it");
  if (!name.empty()) {
    if (const auto* found = app.find_environment(name)) return found;
    return fail(ErrorKind::kNotFound,
                fmt::format("{} has no environment {}; it has {}", app.app, name, names_of(app)));
  }
  const auto automatic = std::ranges::find(app.environments, model::DeployPolicy::kAutomatic,
                                           &model::EnvironmentSpec::deploy);
  return automatic != app.environments.end() ? &*automatic : &app.environments.front();
}

/// The app's name is in the file, and the file is in the repository: until it is known, the mirror
/// is named after the repository.
std::string provisional_app(const std::string& repository) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : repository) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return fmt::format("repository-{:016x}", hash);
}

struct Found {
  model::Commit commit;
  model::AppSpec app;
  std::string warnings;
};

Result<ParsedApp> read_app(const Ports& ports, const std::string& app, const std::string& sha) {
  const auto text = ports.vcs.read(app, sha, kConfigFile, kConfigBytesMax);
  if (!text) {
    auto error = in_context(fmt::format("{} at {:.12}", kConfigFile, sha), text.error());
    if (error.kind == ErrorKind::kNotFound) error.hint = "ecluse init writes one; commit it";
    return fail(std::move(error));
  }
  return ports.parse(*text, kConfigFile);
}

Result<Found> find_commit(const Ports& ports, const DeployRequest& request) {
  const auto mirror = provisional_app(request.repository);
  ECLUSE_ASSIGN(auto commit, ports.vcs.resolve(mirror, request.repository, request.ref));
  ECLUSE_ASSIGN(auto parsed, read_app(ports, mirror, commit.sha));
  ECLUSE_TRY(ports.vcs.resolve(parsed.spec.app, request.repository, commit.sha));
  return Found{std::move(commit), std::move(parsed.spec), std::move(parsed.warnings)};
}

void set_gate(rollout::Requested& request, const model::EnvironmentSpec& spec) {
  switch (spec.deploy) {
    case model::DeployPolicy::kAutomatic:
    case model::DeployPolicy::kManual:
      return;
    case model::DeployPolicy::kApproval:
      request.gate = rollout::Gate::kApproval;
      request.waits_for = spec.approvers.empty()
                              ? "an approval"
                              : fmt::format("approval by {}", join(spec.approvers, ", "));
      return;
    case model::DeployPolicy::kConfirm:
      request.gate = rollout::Gate::kConfirm;
      request.waits_for = fmt::format("the word {} to be typed", spec.confirm);
      return;
  }
}

/// What `ecluse check` calls a block stops a deploy to that environment.
Result<void> pass_audit(const Ports& ports, model::Release& draft) {
  if (!ports.audit) return {};
  auto audit = ports.audit(draft.commit, draft.spec);
  if (!audit)
    return fail(in_context(fmt::format("auditing {:.12}", draft.commit.sha), audit.error()));
  draft.audit = std::move(audit->report);
  if (audit->blocking.empty()) return {};
  const auto count = audit->blocking.size();
  return fail(ErrorKind::kRefused,
              fmt::format("{} finding{} of the audit block{} a deploy to {}:\n{}", count,
                          count == 1 ? "" : "s", count == 1 ? "s" : "", draft.spec.name,
                          join(audit->blocking, "\n")),
              "mend it (`ecluse check` says how) and commit, or accept it under `waivers:` in "
              "ecluse.yml with a reason and a day");
}

Result<std::shared_ptr<const model::Release>> stable_of(const Engine::Environment& environment) {
  const auto found = environment.releases.find(environment.state.stable);
  if (found == environment.releases.end())
    return fail(ErrorKind::kRefused,
                fmt::format("nothing is deployed to {}", to_string(environment.state.key)),
                "ecluse deploy");
  return found->second;
}
}  // namespace

std::string notes_on(const RolloutOrder& order) {
  if (!order.pipeline) return {};
  std::vector<std::string> lines;
  if (!order.warnings.empty()) lines.push_back(order.warnings);
  for (const auto& note : config::not_available_yet(order.pipeline->draft.spec))
    lines.push_back("note: " + note.message);
  const bool runs_jobs =
      order.request.kind == rollout::Kind::kDeploy || order.request.kind == rollout::Kind::kPromote;
  for (const auto& job : order.pipeline->draft.spec.release)
    if (runs_jobs && !job.reversible)
      lines.push_back(fmt::format(
          "note: a rollback cannot undo release job `{}`: it restores the code, and what "
          "the job changed comes back only from a backup",
          job.run));
  return join(lines, "\n");
}

Result<RolloutOrder> deploy_order(const Ports& ports, const DeployRequest& request) {
  ECLUSE_ASSIGN(const auto found, find_commit(ports, request));
  ECLUSE_ASSIGN(const auto* spec, choose(found.app, request.environment));
  if (!spec->promote_from.empty())
    return fail(ErrorKind::kRefused,
                fmt::format("{} takes its artifact from {}", spec->name, spec->promote_from),
                fmt::format("ecluse deploy --to {}, then ecluse promote --to {}",
                            spec->promote_from, spec->name));
  RolloutOrder order{.key = {found.app.app, spec->name}, .warnings = found.warnings};
  order.request = {.kind = rollout::Kind::kDeploy,
                   .commit = found.commit.sha,
                   .actor = request.actor,
                   .reason = request.skip_checks_reason,
                   .without_backup = request.without_backup};
  set_gate(order.request, *spec);
  pipeline::State pipeline;
  pipeline.draft.commit = found.commit;
  pipeline.draft.spec = *spec;
  // Not only when it is sealed: a build may take minutes.
  ECLUSE_TRY(newest_secrets(ports, order.key, *spec));
  ECLUSE_TRY(pass_audit(ports, pipeline.draft));
  pipeline.skip_checks_reason = request.skip_checks_reason;
  if (is_built_per_environment(*spec))
    pipeline.draft.built_per_environment =
        fmt::format("variables are inlined when it is built for {}", spec->name);
  order.pipeline = std::move(pipeline);
  return order;
}

Result<RolloutOrder> promote_order(const Ports& ports, const Act& act,
                                   const std::string& confirmation,
                                   const ReleaseLookup& stable_release_of) {
  const auto& key = act.environment;
  // Which environment it takes from is said in the file, and the file belongs to a commit: any
  // environment's stable release leads to one.
  std::shared_ptr<const model::Release> source;
  const auto target = stable_release_of(key);
  const auto guess = target ? target->spec.promote_from : std::string{};
  for (const auto& name : {guess, std::string("preprod"), std::string("staging")}) {
    if (source || name.empty()) continue;
    source = stable_release_of({key.app, name});
  }
  if (!source)
    return fail(ErrorKind::kRefused,
                fmt::format("there is no release to promote to {}", to_string(key)),
                "deploy to the environment that its `promote_from` names first");
  ECLUSE_ASSIGN(const auto parsed, read_app(ports, key.app, source->commit.sha));
  const auto& app = parsed.spec;
  const auto* spec = app.find_environment(key.environment);
  if (spec == nullptr)
    return fail(ErrorKind::kNotFound, fmt::format("{} has no environment {}; it has {}", app.app,
                                                  key.environment, names_of(app)));
  if (spec->promote_from.empty())
    return fail(ErrorKind::kRefused, fmt::format("{} has no `promote_from`", to_string(key)),
                "ecluse deploy");
  if (spec->promote_from != source->key.environment.environment) {
    source = stable_release_of({key.app, spec->promote_from});
    if (!source)
      return fail(ErrorKind::kRefused,
                  fmt::format("nothing is deployed to {}/{}", key.app, spec->promote_from));
  }
  RolloutOrder order{.key = key, .warnings = parsed.warnings};
  order.request = {.kind = rollout::Kind::kPromote,
                   .commit = source->commit.sha,
                   .actor = act.actor,
                   .reason = act.reason,
                   .without_backup = act.without_backup};
  set_gate(order.request, *spec);
  if (!confirmation.empty() && order.request.gate == rollout::Gate::kConfirm) {
    if (confirmation != spec->confirm)
      return fail(ErrorKind::kRefused,
                  fmt::format("`{}` is not the word that {} asks for", printable(confirmation),
                              to_string(key)),
                  fmt::format("--confirm {}", spec->confirm));
    order.request.gate = rollout::Gate::kNone;
  }
  pipeline::State pipeline;
  pipeline.draft.commit = source->commit;
  pipeline.draft.artifact = source->artifact;
  pipeline.draft.spec = *spec;
  ECLUSE_TRY(newest_secrets(ports, key, *spec));
  ECLUSE_TRY(pass_audit(ports, pipeline.draft));
  if (is_built_per_environment(*spec)) {
    pipeline.rebuild = true;
    pipeline.draft.built_per_environment =
        fmt::format("variables are inlined when it is built: built for {} from the commit of {}",
                    key.environment, to_string(source->key));
  }
  order.pipeline = std::move(pipeline);
  return order;
}

/// Why this release never served, and so is nothing to go back to; or empty.
std::string why_never_served(const Engine::Environment& environment,
                             const model::Release& release) {
  if (is_barred(release.audit)) return "no examination let it pass";
  if (!rollout::has_run_jobs(environment.state, release.key.number))
    return "its release jobs have not run";
  return {};
}

model::ReleaseNumber previous_release(const Engine::Environment& environment) {
  const auto warm = rollout::warm_releases(environment.state);
  if (!warm.empty()) return warm.front();
  model::ReleaseNumber best = 0;
  for (const auto& [number, release] : environment.releases)
    if (number < environment.state.stable && why_never_served(environment, *release).empty())
      best = number;
  return best;
}

Result<RolloutOrder> rollback_order(const Engine::Environment& environment, const Act& act,
                                    std::optional<model::ReleaseNumber> to) {
  const auto& state = environment.state;
  const auto number = to.value_or(previous_release(environment));
  if (number == 0)
    return fail(ErrorKind::kRefused,
                fmt::format("{} has no earlier release", to_string(state.key)));
  const auto found = environment.releases.find(number);
  if (found == environment.releases.end())
    return fail(ErrorKind::kNotFound,
                fmt::format("{} has no release {}", to_string(state.key), number),
                "ecluse releases lists them");
  if (const auto why = why_never_served(environment, *found->second); !why.empty())
    return fail(ErrorKind::kRefused, fmt::format("release {} never got traffic: {}", number, why),
                fmt::format("deploy its commit again; ecluse releases show {} tells more", number));
  if (number == state.stable && !state.stopped && (!state.active || state.active->committed))
    return fail(ErrorKind::kRefused,
                fmt::format("release {} serves {} already", number, to_string(state.key)));
  RolloutOrder order{.key = state.key};
  order.request = {.kind = rollout::Kind::kRollback,
                   .release = number,
                   .plan = rollout::plan_of(found->second->spec),
                   .commit = found->second->commit.sha,
                   .actor = act.actor,
                   .reason = act.reason};
  pipeline::State pipeline;
  pipeline.draft = *found->second;
  pipeline.keep_secrets = true;
  order.pipeline = std::move(pipeline);
  return order;
}

Result<RolloutOrder> again_order(const Engine::Environment& environment, const Act& act,
                                 rollout::Kind kind, const std::map<std::string, int>& instances) {
  ECLUSE_ASSIGN(const auto stable, stable_of(environment));
  RolloutOrder order{.key = environment.state.key};
  order.request = {
      .kind = kind, .commit = stable->commit.sha, .actor = act.actor, .reason = act.reason};
  pipeline::State pipeline;
  pipeline.draft = *stable;
  for (const auto& [name, count] : instances) {
    const auto process =
        std::ranges::find(pipeline.draft.spec.processes, name, &model::ProcessSpec::name);
    if (process == pipeline.draft.spec.processes.end())
      return fail(ErrorKind::kNotFound,
                  fmt::format("{} has no process {}", to_string(order.key), name));
    constexpr int kInstancesMax = 100;
    const int least = process->takes_traffic ? 1 : 0;
    if (count < least || count > kInstancesMax)
      return fail(ErrorKind::kInvalid,
                  fmt::format("{} instances of {}: from {} to {} are possible", count, name, least,
                              kInstancesMax),
                  least == 1 ? "ecluse stop ends all of them" : "");
    process->instances = count;
  }
  order.pipeline = std::move(pipeline);
  return order;
}

Result<RolloutOrder> stop_order(const Engine::Environment& environment, const Act& act) {
  ECLUSE_ASSIGN(const auto stable, stable_of(environment));
  RolloutOrder order{.key = environment.state.key};
  order.request = {.kind = rollout::Kind::kStop,
                   .release = stable->key.number,
                   .plan = rollout::plan_of(stable->spec),
                   .commit = stable->commit.sha,
                   .actor = act.actor,
                   .reason = act.reason};
  return order;
}

namespace {
/// The name in "anna (uid 1000)".
std::string person_of(const std::string& actor) {
  return actor.substr(0, actor.find(" (uid "));
}

Result<void> may_approve(const model::EnvironmentSpec& spec, const std::string& actor,
                         const Settings& settings) {
  const auto person = person_of(actor);
  const bool may =
      spec.approvers.empty() || std::ranges::any_of(spec.approvers, [&](const std::string& name) {
        return name == person || (settings.is_member && settings.is_member(person, name));
      });
  if (may) return {};
  return fail(ErrorKind::kRefused,
              fmt::format("{} may not approve for {}/{}", printable(person), spec.app, spec.name),
              fmt::format("it takes one of {}", join(spec.approvers, ", ")));
}
}  // namespace

Result<rollout::Approved> approval(const Engine::Environment& environment, const Act& act,
                                   const RolloutId& id, const std::string& confirmation,
                                   const Settings& settings) {
  const auto& state = environment.state;
  const auto* waiting = rollout::awaiting_approval(state, id);
  const auto* wanted = waiting == nullptr && id.empty() && state.active ? &*state.active : waiting;
  const rollout::Approved approved{wanted == nullptr ? id : wanted->id, act.actor};
  if (const auto refused = rollout::refusal(state, approved)) return fail(*refused);
  // Who and which word is in the rollout's own release: the file may have changed since.
  const auto release = environment.releases.find(waiting->release);
  if (release == environment.releases.end())
    return fail(ErrorKind::kInternal, fmt::format("{} has no release", approved.id));
  ECLUSE_TRY(may_approve(release->second->spec, act.actor, settings));
  if (waiting->gate != rollout::Gate::kConfirm) return approved;
  const auto& word = release->second->spec.confirm;
  if (confirmation != word)
    return fail(ErrorKind::kRefused,
                fmt::format("`{}` is not the word that {} asks for", printable(confirmation),
                            to_string(state.key)),
                fmt::format("--confirm {}", word));
  return approved;
}

Result<rollout::NowAsked> hurry(const Engine::Environment& environment, const Act& act,
                                const Settings& settings) {
  const rollout::NowAsked asked{act.actor, act.reason};
  if (const auto refused = rollout::refusal(environment.state, asked)) return fail(*refused);
  const auto& r = *environment.state.active;
  const bool is_left_to_people =
      r.phase == rollout::Phase::kUndecided || r.plan.inconclusive == model::Inconclusive::kAsk;
  const auto release = environment.releases.find(r.release);
  if (r.committed || !is_left_to_people || release == environment.releases.end()) return asked;
  ECLUSE_TRY(may_approve(release->second->spec, act.actor, settings));
  return asked;
}

}  // namespace ecluse::control
