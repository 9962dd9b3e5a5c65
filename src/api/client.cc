#include "api/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "api/http.h"
#include "api/json.h"

namespace ecluse::api {

namespace {

constexpr std::size_t kAnswerBytesMax = 64 << 20;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, CurlFree>;
using Headers = std::unique_ptr<curl_slist, CurlFree>;

void init_curl_once() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  (void)done;  // curl_easy_init() fails if this did
}

/// Collects an answer, or hands its lines over as they come.
struct Receiver {
  const ports::LineSink* lines = nullptr;
  std::string text;

  static std::size_t write(char* bytes, std::size_t, std::size_t count, void* self) {
    return static_cast<Receiver*>(self)->take({bytes, count});
  }
  std::size_t take(std::string_view bytes) {
    if (text.size() + bytes.size() > kAnswerBytesMax) return 0;
    text += bytes;
    if (lines != nullptr) hand_over();
    return bytes.size();
  }
  void hand_over() {
    std::size_t from = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
      (*lines)(std::string_view(text).substr(from, end - from));
      from = end + 1;
    }
    text.erase(0, from);
  }
};

bool nobody_answered(CURLcode code) {
  return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
         code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
         code == CURLE_PARTIAL_FILE;
}

std::string path_of(const model::EnvironmentKey& key) {
  return fmt::format("/v1/environments/{}/{}", percent_encoded(key.app),
                     percent_encoded(key.environment));
}

Result<std::string> path_of_rollout(const control::RolloutId& id) {
  const auto slash = id.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == id.size()) {
    return fail(ErrorKind::kInvalid, fmt::format("\"{}\" names no rollout", id),
                "a rollout is named like lettings/prod@12");
  }
  return fmt::format("/v1/rollouts/{}/{}", percent_encoded(id.substr(0, slash)),
                     percent_encoded(id.substr(slash + 1)));
}

std::string query_of(const ports::EventQuery& query) {
  return fmt::format("/v1/events?subject={}&kind={}&after={}&limit={}&newest_first={}",
                     percent_encoded(query.subject_prefix), percent_encoded(query.kind_prefix),
                     query.after, query.limit, query.newest_first);
}

}  // namespace

Client::Client(ClientOptions options) : options_(std::move(options)) {
  init_curl_once();
}

Result<std::string> Client::exchange(const Exchange& exchange) {
  const Handle handle(curl_easy_init());
  if (!handle) return fail(ErrorKind::kExhausted, "cannot make a connection: out of memory");
  const auto base = options_.url.empty() ? std::string("http://ecluse") : options_.url;
  const auto where = options_.url.empty() ? options_.socket.native() : options_.url;
  const auto timeout = exchange.timeout.count() > 0 ? exchange.timeout : options_.timeout;
  Receiver receiver{exchange.lines, {}};

  Headers headers(curl_slist_append(nullptr, "Content-Type: application/json"));
  if (!options_.token.empty()) {
    const auto bearer = "Authorization: Bearer " + options_.token;
    headers.reset(curl_slist_append(headers.release(), bearer.c_str()));
  }
  if (!exchange.accept.empty()) {
    const auto accept = "Accept: " + exchange.accept;
    headers.reset(curl_slist_append(headers.release(), accept.c_str()));
  }
  CURL* const h = handle.get();
  curl_easy_setopt(h, CURLOPT_URL, (base + exchange.path).c_str());
  if (options_.url.empty()) curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, options_.socket.c_str());
  curl_easy_setopt(h, CURLOPT_PROXY, "");  // the environment's proxy is for the outside world
  curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, exchange.method.c_str());
  curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  if (exchange.lines == nullptr) {
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  }
  if (!exchange.body.empty()) {
    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(exchange.body.size()));
    curl_easy_setopt(h, CURLOPT_POSTFIELDS, exchange.body.c_str());
  }
  curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, &Receiver::write);
  curl_easy_setopt(h, CURLOPT_WRITEDATA, &receiver);

  const CURLcode code = curl_easy_perform(h);
  away_ = nobody_answered(code);
  if (away_) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("cannot reach the daemon on {}: {}", where, curl_easy_strerror(code)),
                "start it with `ecluse up --detach`, use sudo where root started it, or name its "
                "folder with --run");
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return fail(ErrorKind::kTimeout,
                fmt::format("the daemon did not answer within {}", to_string(timeout)),
                "see `ecluse events`, and the daemon's log");
  }
  if (code != CURLE_OK) {
    return fail(ErrorKind::kInternal,
                fmt::format("speaking to the daemon on {}: {}", where, curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return std::move(receiver.text);
  if (auto error = error_from_json(receiver.text)) return fail(std::move(*error));
  return fail(ErrorKind::kInternal, fmt::format("the daemon answered {}", status),
              "are client and daemon of the same version?");
}

template <typename T>
Result<T> Client::ask(Exchange asked) {
  ECLUSE_ASSIGN(const auto text, exchange(asked));
  auto parsed = from_json_text<T>(text, UnknownFields::kIgnore);
  if (!parsed) return fail(in_context("the daemon's answer", std::move(parsed).error()));
  return parsed;
}
template <typename Body>
Result<control::Ticket> Client::request(const control::Act& act, const char* verb,
                                        const Body& body) {
  return ask<control::Ticket>(
      {.method = "POST", .path = path_of(act.environment) + "/" + verb, .body = json_text(body)});
}
template <typename Body>
Result<void> Client::order(const control::Act& act, const char* verb, const Body& body) {
  ECLUSE_TRY(exchange(
      {.method = "POST", .path = path_of(act.environment) + "/" + verb, .body = json_text(body)}));
  return {};
}

Result<Pong> Client::ping() {
  return ask<Pong>({.path = "/v1/ping", .timeout = std::chrono::seconds(5)});
}
Result<control::Ticket> Client::deploy(const control::DeployRequest& asked) {
  const DeployBody body{asked.repository, asked.ref, asked.environment, asked.skip_checks_reason,
                        asked.without_backup};
  return ask<control::Ticket>({.method = "POST", .path = "/v1/deploys", .body = json_text(body)});
}
Result<control::Ticket> Client::promote(const control::Act& act, const std::string& confirmation) {
  return request(act, "promote", ConfirmBody{act.reason, confirmation, act.without_backup});
}
Result<void> Client::approve(const control::Act& act, const control::RolloutId& rollout,
                             const std::string& confirmation) {
  ECLUSE_ASSIGN(const auto path, path_of_rollout(rollout));
  const ConfirmBody body{act.reason, confirmation};
  ECLUSE_TRY(exchange({.method = "POST", .path = path + "/approve", .body = json_text(body)}));
  return {};
}
Result<control::Ticket> Client::rollback(const control::Act& act,
                                         std::optional<model::ReleaseNumber> to) {
  return request(act, "rollback", RollbackBody{act.reason, to});
}
Result<control::RollbackCheck> Client::rollback_check(const control::Act& act,
                                                      std::optional<model::ReleaseNumber> to) {
  return ask<control::RollbackCheck>(
      {.path = fmt::format("{}/rollback?release={}", path_of(act.environment), to.value_or(0))});
}
Result<void> Client::abort(const control::Act& act) {
  return order(act, "abort", ReasonBody{act.reason});
}
Result<void> Client::pause(const control::Act& act) {
  return order(act, "pause", ReasonBody{act.reason});
}
Result<void> Client::resume(const control::Act& act) {
  return order(act, "resume", ReasonBody{act.reason});
}
Result<void> Client::promote_now(const control::Act& act) {
  return order(act, "promote-now", ReasonBody{act.reason});
}
Result<control::Ticket> Client::restart(const control::Act& act) {
  return request(act, "restart", ReasonBody{act.reason});
}
Result<control::Ticket> Client::stop(const control::Act& act) {
  return request(act, "stop", ReasonBody{act.reason});
}
Result<control::Ticket> Client::start(const control::Act& act) {
  return request(act, "start", ReasonBody{act.reason});
}
Result<control::Ticket> Client::scale(const control::Act& act,
                                      const std::map<std::string, int>& instances) {
  return request(act, "scale", ScaleBody{act.reason, instances});
}
Result<void> Client::maintenance(const control::Act& act, bool on) {
  return order(act, "maintenance", MaintenanceBody{act.reason, on});
}
Result<void> Client::remove(const control::Act& act, bool delete_data) {
  const RemoveBody body{act.reason, delete_data};
  ECLUSE_TRY(
      exchange({.method = "DELETE", .path = path_of(act.environment), .body = json_text(body)}));
  return {};
}
Result<std::vector<control::EnvironmentView>> Client::status(const std::string& app) {
  return ask<std::vector<control::EnvironmentView>>(
      {.path = "/v1/environments?app=" + percent_encoded(app)});
}
Result<control::EnvironmentView> Client::environment(const model::EnvironmentKey& key) {
  return ask<control::EnvironmentView>({.path = path_of(key)});
}
Result<control::RolloutView> Client::rollout(const control::RolloutId& id) {
  ECLUSE_ASSIGN(auto path, path_of_rollout(id));
  return ask<control::RolloutView>({.path = path});
}
Result<std::string> Client::metrics(metrics::Form form) {
  return exchange({.path = "/metrics", .accept = std::string(metrics::content_type_of(form))});
}
Result<std::string> Client::trial(const control::RolloutId& id) {
  ECLUSE_ASSIGN(auto path, path_of_rollout(id));
  return exchange({.path = path + "/trial"});
}
Result<std::vector<control::RolloutView>> Client::rollouts(const model::EnvironmentKey& key,
                                                           std::size_t limit) {
  return ask<std::vector<control::RolloutView>>(
      {.path = fmt::format("{}/rollouts?limit={}", path_of(key), limit)});
}
Result<std::vector<control::ReleaseView>> Client::releases(const model::EnvironmentKey& key) {
  return ask<std::vector<control::ReleaseView>>({.path = path_of(key) + "/releases"});
}
Result<std::vector<ports::StoredEvent>> Client::events(const ports::EventQuery& query) {
  return ask<std::vector<ports::StoredEvent>>({.path = query_of(query)});
}
Result<std::vector<ports::StoredEvent>> Client::await_events(const ports::EventQuery& query,
                                                             Duration timeout) {
  return ask<std::vector<ports::StoredEvent>>(
      {.path = fmt::format("{}&wait_ms={}", query_of(query), timeout.count()),
       .timeout = timeout + options_.timeout});
}
Result<ports::LogChunk> Client::stage_log(const control::RolloutId& id, const std::string& stage,
                                          std::uint64_t from_offset, Duration wait) {
  ECLUSE_ASSIGN(auto path, path_of_rollout(id));
  return ask<ports::LogChunk>(
      {.path = fmt::format("{}/stages/{}/log?offset={}&wait_ms={}", path, percent_encoded(stage),
                           from_offset, wait.count()),
       .timeout = wait + options_.timeout});
}
Result<ports::LogChunk> Client::logs(const std::string& instance, const ports::LogQuery& query) {
  return ask<ports::LogChunk>(
      {.path = fmt::format("/v1/instances/{}/logs?lines={}&offset={}&wait_ms={}",
                           percent_encoded(instance), query.lines_max, query.from_offset,
                           query.wait.count()),
       .timeout = query.wait + options_.timeout});
}

template <typename Line>
Result<void> Client::stream(const control::Act& act, const char* verb, const std::string& body,
                            const std::function<void(Line)>& take) {
  std::optional<Error> error;
  const ports::LineSink parse = [&](std::string_view text) {
    if (auto found = error_from_json(text)) {
      error = std::move(found);
      return;
    }
    auto line = from_json_text<Line>(text, UnknownFields::kIgnore);
    if (!line) return void(error = std::move(line).error());
    take(std::move(*line));
  };
  auto done = exchange({.method = "POST",
                        .path = path_of(act.environment) + "/" + verb,
                        .body = body,
                        .lines = &parse});
  if (error) return fail(std::move(*error));
  if (!done) return fail(std::move(done).error());
  return {};
}

Result<int> Client::run(const control::Act& act, const std::vector<std::string>& argv,
                        const ports::LineSink& sink, const std::stop_token&) {
  std::optional<int> exit_code;
  ECLUSE_TRY(
      stream<RunLine>(act, "run", json_text(RunBody{act.reason, argv}), [&](const RunLine& line) {
        if (line.line) sink(*line.line);
        if (line.exit_code) exit_code = line.exit_code;
      }));
  if (exit_code) return *exit_code;
  return fail(ErrorKind::kUnavailable, "the daemon ended the stream before the command ended",
              "the command may still run; see `ecluse events`");
}

Result<ports::MoveReport> Client::move_database(const control::Act& act,
                                                const ports::MoveOrder& order,
                                                const ports::LineSink& sink,
                                                const std::stop_token&) {
  const MoveBody body{act.reason,    order.source,   order.dry_run,
                      order.replace, order.drop_nul, order.without};
  std::optional<ports::MoveReport> report;
  ECLUSE_TRY(stream<MoveLine>(act, "database/move", json_text(body), [&](MoveLine line) {
    if (line.line) sink(*line.line);
    if (line.report) report = std::move(line.report);
  }));
  if (report) return std::move(*report);
  return fail(ErrorKind::kUnavailable, "the daemon ended the stream before the move ended",
              "it is there whole or not at all: `ecluse db move --dry-run` tells which");
}

Result<std::vector<control::EnvEntry>> Client::env(const model::EnvironmentKey& key) {
  return ask<std::vector<control::EnvEntry>>({.path = path_of(key) + "/env"});
}
Result<std::uint32_t> Client::secret_set(const control::Act& act, const std::string& name,
                                         std::string_view value) {
  const SecretBody body{act.reason, std::string(value)};
  ECLUSE_ASSIGN(const auto set, ask<SecretVersion>({.method = "PUT",
                                                    .path = path_of(act.environment) + "/secrets/" +
                                                            percent_encoded(name),
                                                    .body = json_text(body)}));
  return set.version;
}
Result<void> Client::secret_remove(const control::Act& act, const std::string& name) {
  ECLUSE_TRY(exchange({.method = "DELETE",
                       .path = fmt::format("{}/secrets/{}?reason={}", path_of(act.environment),
                                           percent_encoded(name), percent_encoded(act.reason))}));
  return {};
}
Result<std::vector<ports::SecretInfo>> Client::secrets(const model::EnvironmentKey& key) {
  return ask<std::vector<ports::SecretInfo>>({.path = path_of(key) + "/secrets"});
}
Result<std::uint64_t> Client::reclaim(const std::string&, bool dry_run) {
  ECLUSE_ASSIGN(const auto freed, ask<Reclaimed>({.method = "POST",
                                                  .path = "/v1/reclaim",
                                                  .body = json_text(ReclaimBody{dry_run})}));
  return freed.bytes;
}

}  // namespace ecluse::api
