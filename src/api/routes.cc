#include "api/routes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <stop_token>
#include <thread>

#include "api/wire.h"
#include "base/text.h"
#include "base/unforeseen.h"

namespace ecluse::api {

namespace {

using control::Operations;
using Answer = Result<std::optional<HttpAnswer>>;
constexpr std::size_t kListMax = 1000;
constexpr std::chrono::milliseconds kWaitMax{60'000};
/// A long poll is cut in slices, to notice that we stop or that nobody listens any more.
constexpr std::chrono::milliseconds kWaitSlice{500};

// ---- What a request says ------------------------------------------------------------------------

/// The path segment that stands for `{name}` is found by its index in the pattern.
constexpr std::size_t kFirst = 2;
constexpr std::size_t kSecond = 3;
constexpr std::size_t kLast = 5;

Result<model::EnvironmentKey> environment_in(const Call& call) {
  const auto text = call.request.path[kFirst] + "/" + call.request.path[kSecond];
  const auto key = model::parse_environment_key(text);
  if (!key) {
    return fail(ErrorKind::kInvalid, fmt::format("{} names no environment", printable(text)),
                "names are lower-case letters, digits and dashes: /v1/environments/lettings/prod");
  }
  return *key;
}

template <typename T>
Result<T> body_of(const Call& call) {
  return from_json_text<T>(call.request.body, UnknownFields::kRefuse);
}

template <typename T>
Result<T> number_in(const Call& call, const std::string& field, T otherwise) {
  const auto found = call.request.query.find(field);
  if (found == call.request.query.end()) return otherwise;
  T value{};
  const auto& text = found->second;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) {
    return fail(ErrorKind::kInvalid,
                fmt::format("query field \"{}\" must be a whole number from 0", field));
  }
  return value;
}

std::string text_in(const Call& call, const std::string& field) {
  const auto found = call.request.query.find(field);
  return found == call.request.query.end() ? "" : found->second;
}

Result<bool> flag_in(const Call& call, const std::string& field) {
  const auto text = text_in(call, field);
  if (text.empty() || text == "false") return false;
  if (text == "true") return true;
  return fail(ErrorKind::kInvalid, fmt::format("query field \"{}\" must be true or false", field));
}

Result<control::Act> act_in(const Call& call, const std::string& reason) {
  ECLUSE_ASSIGN(auto key, environment_in(call));
  return control::Act{key, call.actor, reason};
}

// ---- What an answer says ------------------------------------------------------------------------

template <typename T>
Answer ok(const Call& call, const Result<T>& result, int status = 200) {
  if (!result) return fail(result.error());
  return HttpAnswer{status, json_text(*result, call.redact)};
}
Answer ok(const Call& call, const Result<void>& result) {
  if (!result) return fail(result.error());
  return HttpAnswer{200, json_text(Done{}, call.redact)};
}
constexpr int kAccepted = 202;

// ---- Handlers -----------------------------------------------------------------------------------

Answer ping(const Call& call) {
  return ok(call, Result<Pong>(Pong{ECLUSE_VERSION, getpid(), call.data}));
}
Answer status(const Call& call) {
  return ok(call, call.operations.status(text_in(call, "app")));
}
/// Names and numbers alone: no secret could be among them.
Answer metrics_text(const Call& call) {
  const auto form = metrics::form_for(call.request.accept);
  ECLUSE_ASSIGN(auto text, call.operations.metrics(form));
  if (text.ends_with('\n')) text.pop_back();  // it is added again
  return HttpAnswer{.body = std::move(text),
                    .content_type = std::string(metrics::content_type_of(form))};
}
Answer environment(const Call& call) {
  ECLUSE_ASSIGN(auto key, environment_in(call));
  return ok(call, call.operations.environment(key));
}
Answer remove(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<RemoveBody>(call));
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  return ok(call, call.operations.remove(act, body.delete_data));
}
Answer deploy(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<DeployBody>(call));
  if (body.repository.empty()) {
    return fail(ErrorKind::kInvalid, "field \"repository\" is missing",
                "give an absolute path or a URL of a git repository");
  }
  const control::DeployRequest request{body.repository,         body.ref,
                                       body.environment,        call.actor,
                                       body.skip_checks_reason, body.without_backup};
  return ok(call, call.operations.deploy(request), kAccepted);
}
Answer promote(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<ConfirmBody>(call));
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  act.without_backup = body.without_backup;
  return ok(call, call.operations.promote(act, body.confirmation), kAccepted);
}
Answer rollback(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<RollbackBody>(call));
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  return ok(call, call.operations.rollback(act, body.release), kAccepted);
}
Answer rollback_check(const Call& call) {
  ECLUSE_ASSIGN(auto act, act_in(call, ""));
  ECLUSE_ASSIGN(auto number, number_in<model::ReleaseNumber>(call, "release", 0));
  const auto to = number == 0 ? std::nullopt : std::optional(number);
  return ok(call, call.operations.rollback_check(act, to));
}
/// An act that takes nothing but a reason: it is done, or begun.
template <Result<void> (Operations::*operation)(const control::Act&)>
Answer done(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<ReasonBody>(call));
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  return ok(call, (call.operations.*operation)(act));
}
template <Result<control::Ticket> (Operations::*operation)(const control::Act&)>
Answer begun(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<ReasonBody>(call));
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  return ok(call, (call.operations.*operation)(act), kAccepted);
}
Answer scale(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<ScaleBody>(call));
  if (body.instances.empty()) {
    return fail(ErrorKind::kInvalid, "field \"instances\" is missing",
                "name each process and its number: {\"instances\": {\"web\": 3}}");
  }
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  return ok(call, call.operations.scale(act, body.instances), kAccepted);
}
Answer maintenance(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<MaintenanceBody>(call));
  if (!body.on) return fail(ErrorKind::kInvalid, "field \"on\" is missing", "true or false");
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  return ok(call, call.operations.maintenance(act, *body.on));
}
Answer rollouts(const Call& call) {
  ECLUSE_ASSIGN(auto key, environment_in(call));
  ECLUSE_ASSIGN(auto limit, number_in<std::size_t>(call, "limit", 20));
  return ok(call, call.operations.rollouts(key, std::min(limit, kListMax)));
}
Answer releases(const Call& call) {
  ECLUSE_ASSIGN(auto key, environment_in(call));
  return ok(call, call.operations.releases(key));
}
Answer env(const Call& call) {
  ECLUSE_ASSIGN(auto key, environment_in(call));
  return ok(call, call.operations.env(key));
}
Answer secrets(const Call& call) {
  ECLUSE_ASSIGN(auto key, environment_in(call));
  return ok(call, call.operations.secrets(key));
}
Answer secret_set(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<SecretBody>(call));
  if (!body.value) return fail(ErrorKind::kInvalid, "field \"value\" is missing");
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  const auto& name = call.request.path[kLast];
  ECLUSE_ASSIGN(auto version, call.operations.secret_set(act, name, *body.value));
  return ok(call, Result<SecretVersion>(SecretVersion{name, version}));
}
Answer secret_remove(const Call& call) {
  ECLUSE_ASSIGN(auto act, act_in(call, text_in(call, "reason")));
  return ok(call, call.operations.secret_remove(act, call.request.path[kLast]));
}

/// Answers with lines of JSON while `work(say, stop)` is at it; the last one is `last(result)` or
/// the error. Work whose person left has nobody to answer to: `stop` is requested.
template <typename Work, typename Last>
Answer streamed(const Call& call, Work work, Last last) {
  bool begun = false;
  bool heard = true;
  const auto say = [&](const std::string& json) {
    if (!begun) heard = call.connection->begin_lines().has_value();
    begun = true;
    if (heard) heard = call.connection->line(json).has_value();
  };
  std::stop_source left;
  const std::jthread watch([&](const std::stop_token& ended) {
    while (!ended.stop_requested() && !left.stop_requested()) {
      if (call.connection->await_peer_gone(kWaitSlice)) left.request_stop();
    }
  });
  const auto result = work(say, left.get_token());
  if (!result && !begun) return fail(result.error());
  say(result ? last(*result) : error_json(result.error(), call.redact));
  if (heard) (void)call.connection->end_lines();  // a peer that left is no failure of the work
  return std::nullopt;
}

Answer run(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<RunBody>(call));
  if (body.argv.empty()) {
    return fail(ErrorKind::kInvalid, "field \"argv\" is missing", "{\"argv\": [\"ls\", \"-l\"]}");
  }
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  return streamed(
      call,
      [&](const auto& say, const std::stop_token& stop) {
        const auto line = [&](std::string_view text) {
          say(json_text(RunLine{std::string(text), std::nullopt}, call.redact));
        };
        return call.operations.run(act, body.argv, line, stop);
      },
      [&](int exit_code) { return json_text(RunLine{std::nullopt, exit_code}, call.redact); });
}

Answer move_database(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<MoveBody>(call));
  if (!body.source.starts_with('/')) {
    return fail(ErrorKind::kInvalid, "field \"source\" is no absolute path",
                "{\"source\": \"/srv/shop/db.sqlite3\"}");
  }
  ECLUSE_ASSIGN(auto act, act_in(call, body.reason));
  const ports::MoveOrder order{.source = body.source,
                               .dry_run = body.dry_run,
                               .replace = body.replace,
                               .drop_nul = body.drop_nul,
                               .without = body.without};
  return streamed(
      call,
      [&](const auto& say, const std::stop_token& stop) {
        const auto line = [&](std::string_view text) {
          say(json_text(MoveLine{std::string(text), std::nullopt}, call.redact));
        };
        return call.operations.move_database(act, order, line, stop);
      },
      [&](const ports::MoveReport& report) {
        return json_text(MoveLine{std::nullopt, report}, call.redact);
      });
}

/// Asks `read(slice)` again until it is `enough`, or `wait` is over, or nobody listens any more.
template <typename Read, typename Enough>
auto long_poll(const Call& call, std::chrono::milliseconds wait, Read read, Enough enough) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const bool over =
        left.count() <= 0 || call.stop.stop_requested() || call.connection->peer_is_gone();
    auto found = read(over ? Duration::zero() : Duration(std::min(left, kWaitSlice)));
    if (over || !found || enough(*found)) return found;
  }
}

Result<std::chrono::milliseconds> wait_in(const Call& call) {
  ECLUSE_ASSIGN(const auto wait_ms, number_in<std::uint32_t>(call, "wait_ms", 0));
  return std::min(std::chrono::milliseconds(wait_ms), kWaitMax);
}

template <typename Read>
Result<ports::LogChunk> awaited_log(const Call& call, Read read) {
  ECLUSE_ASSIGN(const auto wait, wait_in(call));
  return long_poll(call, wait, read,
                   [](const ports::LogChunk& chunk) { return !chunk.text.empty(); });
}

std::string rollout_id_in(const Call& call) {
  return call.request.path[kFirst] + "/" + call.request.path[kSecond];
}
Answer rollout(const Call& call) {
  return ok(call, call.operations.rollout(rollout_id_in(call)));
}
/// It is JSON already, and holds no text but the judge's own.
Answer trial(const Call& call) {
  ECLUSE_ASSIGN(auto picture, call.operations.trial(rollout_id_in(call)));
  return HttpAnswer{200, std::move(picture)};
}
Answer approve(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<ConfirmBody>(call));
  const auto id = rollout_id_in(call);
  const auto key = model::parse_environment_key(id.substr(0, id.find('@')));
  if (!key) return fail(ErrorKind::kInvalid, fmt::format("{} names no rollout", printable(id)));
  return ok(call, call.operations.approve({*key, call.actor, body.reason}, id, body.confirmation));
}
Answer stage_log(const Call& call) {
  ECLUSE_ASSIGN(auto offset, number_in<std::uint64_t>(call, "offset", 0));
  return ok(call, awaited_log(call, [&](Duration wait) {
              return call.operations.stage_log(rollout_id_in(call), call.request.path[kLast],
                                               offset, wait);
            }));
}

Answer events(const Call& call) {
  ports::EventQuery query;
  query.subject_prefix = text_in(call, "subject");
  query.kind_prefix = text_in(call, "kind");
  ECLUSE_ASSIGN(query.after, number_in<std::uint64_t>(call, "after", 0));
  ECLUSE_ASSIGN(query.limit, number_in<std::size_t>(call, "limit", 100));
  ECLUSE_ASSIGN(query.newest_first, flag_in(call, "newest_first"));
  ECLUSE_ASSIGN(const auto wait, wait_in(call));
  query.limit = std::min(query.limit, kListMax);
  const auto look = [&](Duration slice) {
    return slice > Duration::zero() ? call.operations.await_events(query, slice)
                                    : call.operations.events(query);
  };
  return ok(call, long_poll(call, wait, look, [](const auto& events) { return !events.empty(); }));
}

Answer logs(const Call& call) {
  ports::LogQuery query;
  ECLUSE_ASSIGN(query.lines_max, number_in<std::size_t>(call, "lines", 100));
  ECLUSE_ASSIGN(query.from_offset, number_in<std::uint64_t>(call, "offset", 0));
  query.lines_max = std::min(query.lines_max, kListMax * 10);
  return ok(call, awaited_log(call, [&](Duration wait) {
              query.wait = wait;
              return call.operations.logs(call.request.path[kFirst], query);
            }));
}

Answer reclaim(const Call& call) {
  ECLUSE_ASSIGN(auto body, body_of<ReclaimBody>(call));
  ECLUSE_ASSIGN(auto bytes, call.operations.reclaim(call.actor, body.dry_run));
  return ok(call, Result<Reclaimed>(Reclaimed{bytes, body.dry_run}));
}

#define ENVIRONMENT "/v1/environments/{app}/{environment}"
#define ROLLOUT "/v1/rollouts/{app}/{rollout}"
constexpr Route kRoutes[] = {
    {"GET", "/v1/ping", "Version, process id and data folder of the daemon.", ping},
    {"GET", "/v1/environments", "Every environment, or those of `?app=`.", status},
    {"GET", ENVIRONMENT, "One environment: release, instances, services, rollout.", environment},
    {"DELETE", ENVIRONMENT, "Forgets a stopped environment.", remove},
    {"POST", "/v1/deploys", "Deploys a ref of a repository.", deploy},
    {"POST", ENVIRONMENT "/promote", "Takes over the artifact of `promote_from`.", promote},
    {"POST", ENVIRONMENT "/rollback", "Back to the previous or the named release.", rollback},
    {"GET", ENVIRONMENT "/rollback", "Proves whether that rollback is possible.", rollback_check},
    {"POST", ENVIRONMENT "/abort", "Aborts the running rollout.", done<&Operations::abort>},
    {"POST", ENVIRONMENT "/pause", "Holds the running rollout where it is.",
     done<&Operations::pause>},
    {"POST", ENVIRONMENT "/resume", "Lets a paused rollout go on.", done<&Operations::resume>},
    {"POST", ENVIRONMENT "/promote-now", "Skips the holds of the running rollout.",
     done<&Operations::promote_now>},
    {"POST", ENVIRONMENT "/restart", "Fresh instances of the same release.",
     begun<&Operations::restart>},
    {"POST", ENVIRONMENT "/stop", "Stops the instances; the site answers 503.",
     begun<&Operations::stop>},
    {"POST", ENVIRONMENT "/start", "Starts a stopped environment.", begun<&Operations::start>},
    {"POST", ENVIRONMENT "/scale", "Changes the number of instances of processes.", scale},
    {"POST", ENVIRONMENT "/maintenance", "Maintenance page on or off.", maintenance},
    {"POST", ENVIRONMENT "/run", "Runs one command in the release; streams lines.", run},
    {"POST", ENVIRONMENT "/database/move", "Moves a SQLite file into PostgreSQL; streams lines.",
     move_database},
    {"GET", ENVIRONMENT "/rollouts", "The rollouts, newest first.", rollouts},
    {"GET", ENVIRONMENT "/releases", "The releases, newest first.", releases},
    {"GET", ENVIRONMENT "/env", "The variables an instance gets; secrets without values.", env},
    {"GET", ENVIRONMENT "/secrets", "Names and versions of secrets, never values.", secrets},
    {"PUT", ENVIRONMENT "/secrets/{name}", "Sets a new version of a secret.", secret_set},
    {"DELETE", ENVIRONMENT "/secrets/{name}", "Removes it from new releases.", secret_remove},
    {"GET", ROLLOUT, "One rollout with its stages and, if it failed, the evidence.", rollout},
    {"GET", ROLLOUT "/trial", "What the judge saw and said of it.", trial},
    {"POST", ROLLOUT "/approve", "Opens the gate a rollout waits at.", approve},
    {"GET", ROLLOUT "/stages/{stage}/log", "The output of a stage from `?offset=`.", stage_log},
    {"GET", "/v1/events", "The audit log; with `wait_ms` it waits for the next.", events},
    {"GET", "/v1/instances/{instance}/logs", "The last lines, or from `?offset=`.", logs},
    {"GET", "/metrics", "Requests, rollouts and instances, for Prometheus.", metrics_text},
    {"POST", "/v1/reclaim", "Frees disk that no rollback needs.", reclaim},
};
#undef ENVIRONMENT
#undef ROLLOUT

bool matches(std::string_view pattern, const std::vector<std::string>& path) {
  const auto parts = split(pattern.substr(1), '/');
  if (parts.size() != path.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].front() != '{' && parts[i] != path[i]) return false;
  }
  return true;
}

Result<std::optional<HttpAnswer>> handled(const Route& route, const Call& call) {
  try {
    return route.handle(call);
  } catch (const std::exception& thrown) {
    return fail(unforeseen(thrown));
  }
}

HttpAnswer error_answer(const Call& call, const Error& error, int status) {
  return {status, error_json(error, call.redact)};
}

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

std::optional<HttpAnswer> answer_to(const Call& call) {
  std::vector<std::string> allow;
  for (const auto& route : kRoutes) {
    if (!matches(route.pattern, call.request.path)) continue;
    if (route.method == call.request.method) {
      auto answer = handled(route, call);
      if (answer) return std::move(*answer);
      return error_answer(call, answer.error(), status_of(answer.error().kind));
    }
    allow.emplace_back(route.method);
  }
  if (allow.empty()) {
    const Error unknown{ErrorKind::kNotFound,
                        fmt::format("no such path: /{}", printable(join(call.request.path, "/"))),
                        "docs/api.md lists the paths"};
    return error_answer(call, unknown, 404);
  }
  auto refused = error_answer(
      call, {ErrorKind::kInvalid, fmt::format("{} is not possible here", call.request.method), ""},
      405);
  refused.allow = allow;
  return refused;
}

}  // namespace ecluse::api
