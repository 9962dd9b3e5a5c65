#pragma once
// The fields of everything that crosses the API, each named once for both directions, and the names
// of enumerators. Included by json.cc alone.

#include <concepts>
#include <type_traits>

#include "api/wire.h"
#include "control/operations.h"

namespace ecluse::api {

template <typename V, typename T>
concept Is = std::same_as<std::remove_const_t<V>, T>;

// ---- Names of enumerators -----------------------------------------------------------------------

template <typename E>
struct Named {
  E value;
  const char* name;
};
template <typename E>
struct Names;
#define ECLUSE_NAMES(Enum, ...)                      \
  template <>                                        \
  struct Names<Enum> {                               \
    using E = Enum;                                  \
    static constexpr Named<E> all[] = {__VA_ARGS__}; \
  }
ECLUSE_NAMES(control::Outcome, {E::kRunning, "running"}, {E::kDone, "done"},
             {E::kAborted, "aborted"}, {E::kFailed, "failed"}, {E::kSuperseded, "superseded"});
ECLUSE_NAMES(control::StageState, {E::kPending, "pending"}, {E::kRunning, "running"},
             {E::kDone, "done"}, {E::kFailed, "failed"}, {E::kSkipped, "skipped"});
ECLUSE_NAMES(ports::InstanceState, {E::kStarting, "starting"}, {E::kRunning, "running"},
             {E::kBackingOff, "backing-off"}, {E::kCrashLooping, "crash-looping"},
             {E::kStopping, "stopping"}, {E::kStopped, "stopped"});
ECLUSE_NAMES(model::ServiceKind, {E::kPostgres, "postgres"}, {E::kRedis, "redis"},
             {E::kMariadb, "mariadb"}, {E::kMongodb, "mongodb"});
ECLUSE_NAMES(ErrorKind, {E::kInvalid, "invalid"}, {E::kNotFound, "not_found"},
             {E::kConflict, "conflict"}, {E::kRefused, "refused"}, {E::kUnavailable, "unavailable"},
             {E::kTimeout, "timeout"}, {E::kExhausted, "exhausted"}, {E::kInternal, "internal"});
#undef ECLUSE_NAMES

template <typename E>
const char* name_of(E value) {
  for (const auto& named : Names<E>::all) {
    if (named.value == value) return named.name;
  }
  return "?";
}

// ---- Fields: one list per type, for both directions ---------------------------------------------

template <typename A, Is<Error> V>
void fields(A& a, V& v) {
  a("kind", v.kind);
  a("message", v.message);
  a("hint", v.hint);
}
template <typename A, Is<control::Ticket> V>
void fields(A& a, V& v) {
  a("rollout", v.rollout);
  a("note", v.note);
}
template <typename A, Is<control::StageView> V>
void fields(A& a, V& v) {
  a("name", v.name);
  a("state", v.state);
  a("took_ms", v.took);
  a("detail", v.detail);
}
template <typename A, Is<ports::ProbeResult> V>
void fields(A& a, V& v) {
  a("what", v.what);
  a("ok", v.ok);
  a("status", v.status);
  a("detail", v.detail);
  a("at", v.at);
}
template <typename A, Is<ports::Listener> V>
void fields(A& a, V& v) {
  a("address", v.address);
  a("port", v.port);
}
template <typename A, Is<control::FailureEvidence> V>
void fields(A& a, V& v) {
  a("instance", v.instance);
  a("likely_reason", v.likely_reason);
  a("next_step", v.next_step);
  a("exit_code", v.exit_code);
  a("probes", v.probes);
  a("listeners", v.listeners);
  a("last_lines", v.last_lines);
}
template <typename A, Is<control::RolloutView> V>
void fields(A& a, V& v) {
  a("id", v.id);
  a("environment", v.environment);
  a("kind", v.kind);
  a("release", v.release);
  a("from_release", v.from_release);
  a("commit", v.commit);
  a("actor", v.actor);
  a("phase", v.phase);
  a("outcome", v.outcome);
  a("serving", v.serving);
  a("paused", v.paused);
  a("weight_ppm", v.weight_ppm);
  a("waiting_for", v.waiting_for);
  a("reason", v.reason);
  a("started_at", v.started_at);
  a("ended_at", v.ended_at);
  a("stages", v.stages);
  a("evidence", v.evidence);
}
template <typename A, Is<ports::InstanceStatus> V>
void fields(A& a, V& v) {
  a("id", v.id);
  a("app", v.app);
  a("environment", v.environment);
  a("owner", v.owner);
  a("state", v.state);
  a("address", v.address);
  a("port", v.port);
  a("starts", v.starts);
  a("last_exit", v.last_exit);
  a("pid", v.pid);
}
template <typename A, Is<ports::Usage> V>
void fields(A& a, V& v) {
  a("memory_bytes", v.memory_bytes);
  a("memory_bytes_max", v.memory_bytes_max);
  a("cpu_s", v.cpu_s);
  a("pids", v.pids);
}
template <typename A, Is<control::InstanceView> V>
void fields(A& a, V& v) {
  fields(a, v.status);
  a("release", v.release);
  a("process", v.process);
  a("ready", v.ready);
  a("usage", v.usage);
}
template <typename A, Is<ports::ServiceStatus> V>
void fields(A& a, V& v) {
  a("name", v.name);
  a("kind", v.kind);
  a("version", v.version);
  a("external", v.external);
  a("healthy", v.healthy);
  a("detail", v.detail);
  a("connections_max", v.connections_max);
}
template <typename A, Is<ports::ArmCounters> V>
void fields(A& a, V& v) {
  a("requests", v.requests);
  a("errors_5xx", v.errors_5xx);
  a("failures", v.failures);
  a("in_flight", v.in_flight);
  a("websockets", v.websockets);
}
template <typename A, Is<ports::SiteCounters> V>
void fields(A& a, V& v) {
  a("releases", v.arms);
}
template <typename A, Is<control::LatencyView> V>
void fields(A& a, V& v) {
  a("over_ms", v.over);
  a("answers", v.answers);
  a("p50_ms", v.p50_ms);
  a("p95_ms", v.p95_ms);
}
template <typename A, Is<control::EnvironmentView> V>
void fields(A& a, V& v) {
  a("environment", v.key);
  a("mode", v.mode);
  a("stable", v.stable);
  a("commit", v.commit);
  a("digest", v.digest);
  a("warm", v.warm);
  a("hosts", v.hosts);
  a("port", v.port);
  a("instances", v.instances);
  a("services", v.services);
  a("counters", v.counters);
  a("latencies", v.latencies);
  a("rollout", v.rollout);
  a("queued", v.queued);
}
template <typename A, Is<control::RollbackCheck> V>
void fields(A& a, V& v) {
  a("possible", v.possible);
  a("warm", v.warm);
  a("release", v.release);
  a("estimate", v.estimate);
  a("proofs", v.proofs);
  a("obstacles", v.obstacles);
  a("irreversible", v.irreversible);
}
/// The specification stays on the daemon's side: a release is named by commit, digest and versions.
template <typename A, Is<control::ReleaseView> V>
void fields(A& a, V& v) {
  a("number", v.release.key.number);
  a("environment", v.release.key.environment);
  a("stable", v.stable);
  a("warm", v.warm);
  a("retained", v.retained);
  a("commit", v.release.commit.sha);
  a("author", v.release.commit.author);
  a("subject", v.release.commit.subject);
  a("committed_at", v.release.commit.at);
  a("digest", v.release.artifact.digest);
  a("bytes", v.release.artifact.bytes);
  a("built_at", v.release.artifact.built_at);
  a("built_per_environment", v.release.built_per_environment);
  a("audit", v.release.audit);
  a("secret_versions", v.release.secret_versions);
  a("created_at", v.release.created_at);
  a("created_by", v.release.created_by);
}
template <typename A, Is<control::EnvEntry> V>
void fields(A& a, V& v) {
  a("name", v.name);
  a("value", v.value);
  a("origin", v.origin);
}
template <typename A, Is<ports::StoredEvent> V>
void fields(A& a, V& v) {
  a("sequence", v.sequence);
  a("at", v.wall);
  a("ecluse_time_ms", v.at);
  a("subject", v.subject);
  a("kind", v.kind);
  a("actor", v.actor);
  a.json("body", v.body);
}
template <typename A, Is<ports::LogChunk> V>
void fields(A& a, V& v) {
  a("text", v.text);
  a("next_offset", v.next_offset);
}
template <typename A, Is<ports::SecretInfo> V>
void fields(A& a, V& v) {
  a("name", v.name);
  a("version", v.version);
  a("changed_at", v.changed_at);
  a("changed_by", v.changed_by);
}
template <typename A, Is<DeployBody> V>
void fields(A& a, V& v) {
  a("repository", v.repository);
  a("ref", v.ref);
  a("environment", v.environment);
  a("skip_checks_reason", v.skip_checks_reason);
  a("without_backup", v.without_backup);
}
template <typename A, Is<ReasonBody> V>
void fields(A& a, V& v) {
  a("reason", v.reason);
}
template <typename A, Is<ConfirmBody> V>
void fields(A& a, V& v) {
  a("reason", v.reason);
  a("confirmation", v.confirmation);
  a("without_backup", v.without_backup);
}
template <typename A, Is<RollbackBody> V>
void fields(A& a, V& v) {
  a("reason", v.reason);
  a("release", v.release);
}
template <typename A, Is<ScaleBody> V>
void fields(A& a, V& v) {
  a("reason", v.reason);
  a("instances", v.instances);
}
template <typename A, Is<MaintenanceBody> V>
void fields(A& a, V& v) {
  a("reason", v.reason);
  a("on", v.on);
}
template <typename A, Is<RemoveBody> V>
void fields(A& a, V& v) {
  a("reason", v.reason);
  a("delete_data", v.delete_data);
}
template <typename A, Is<RunBody> V>
void fields(A& a, V& v) {
  a("reason", v.reason);
  a("argv", v.argv);
}
template <typename A, Is<SecretBody> V>
void fields(A& a, V& v) {
  a("reason", v.reason);
  a("value", v.value);
}
template <typename A, Is<ReclaimBody> V>
void fields(A& a, V& v) {
  a("dry_run", v.dry_run);
}
template <typename A, Is<Pong> V>
void fields(A& a, V& v) {
  a("version", v.version);
  a("pid", v.pid);
  a("data", v.data);
}
template <typename A, Is<SecretVersion> V>
void fields(A& a, V& v) {
  a("name", v.name);
  a("version", v.version);
}
template <typename A, Is<Reclaimed> V>
void fields(A& a, V& v) {
  a("bytes", v.bytes);
  a("dry_run", v.dry_run);
}
template <typename A, Is<Done> V>
void fields(A& a, V& v) {
  a("ok", v.ok);
}
template <typename A, Is<MoveBody> V>
void fields(A& a, V& v) {
  a("reason", v.reason);
  a("source", v.source);
  a("dry_run", v.dry_run);
  a("replace", v.replace);
  a("drop_nul", v.drop_nul);
  a("without", v.without);
}
template <typename A, Is<ports::MovedTable> V>
void fields(A& a, V& v) {
  a("table", v.table);
  a("rows", v.rows);
  a("digest", v.digest);
  a("replaced", v.replaced);
}
template <typename A, Is<ports::Misfit> V>
void fields(A& a, V& v) {
  a("table", v.table);
  a("key", v.key);
  a("column", v.column);
  a("what", v.what);
  a("fix", v.fix);
}
template <typename A, Is<ports::MoveReport> V>
void fields(A& a, V& v) {
  a("moved", v.moved);
  a("dry_run", v.dry_run);
  a("tables", v.tables);
  a("misfits", v.misfits);
  a("misfits_total", v.misfits_total);
  a("notes", v.notes);
}
template <typename A, Is<MoveLine> V>
void fields(A& a, V& v) {
  a("line", v.line);
  a("report", v.report);
}
template <typename A, Is<RunLine> V>
void fields(A& a, V& v) {
  a("line", v.line);
  a("exit_code", v.exit_code);
}

template <typename A, Is<LogLine> V>
void fields(A& a, V& v) {
  a("source", v.source);
  a("line", v.line);
}

template <typename A, Is<Examined> V>
void fields(A& a, V& v) {
  a("what", v.what);
  a("ok", v.ok);
  a("essential", v.essential);
  a("detail", v.detail);
  a("consequence", v.consequence);
  a("remedy", v.remedy);
}

}  // namespace ecluse::api
