#include "control/plane.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <stop_token>

#include "base/locked.h"
#include "base/log.h"
#include "base/text.h"
#include "control/audit.h"
#include "control/database_move.h"
#include "control/instance_log.h"
#include "control/launch.h"
#include "control/loop.h"
#include "control/measuring.h"
#include "control/pool.h"
#include "control/requests.h"
#include "control/views.h"
#include "retention/retention.h"

namespace ecluse::control {

namespace {
/// How long a caller waits for an answer of the thread of steps or of the disk.
constexpr Duration kAnswerMax = std::chrono::seconds(30);
constexpr Duration kCommandMax = std::chrono::hours(24);

/// Stops job `id` once `stop` is requested, from the thread that requests it, until this ends.
class StopWhile {
 public:
  StopWhile(ports::Runtime& runtime, std::string id, const std::stop_token& stop)
      : runtime_(runtime), id_(std::move(id)), callback_(stop, [this] { end(); }) {}
  ~StopWhile() {
    life_.change([](Life& life) { life.over = true; });
  }
  StopWhile(const StopWhile&) = delete;
  StopWhile& operator=(const StopWhile&) = delete;

  /// Call before the job begins; false: it shall not.
  bool may_begin() {
    return life_.with([](Life& life) {
      life.begun = true;
      return !life.told;
    });
  }

 private:
  struct Life {
    bool begun = false;
    bool told = false;
    bool over = false;
  };
  static constexpr Duration kAgain = std::chrono::milliseconds(200);

  void end() {
    const bool begun = life_.with([](Life& life) {
      life.told = true;
      return life.begun;
    });
    // A job that is just beginning is unknown yet and thus not stopped: it is asked again.
    const auto over = [](const Life& life) { return life.over; };
    while (begun && !life_.when(Duration::zero(), over, over)) {
      if (const auto stopped = runtime_.stop(id_); !stopped)
        log_warn("a command whose person left goes on: {}", stopped.error().message);
      life_.when(kAgain, over, over);
    }
  }

  ports::Runtime& runtime_;
  std::string id_;
  Locked<Life> life_;
  std::stop_callback<std::function<void()>> callback_;  // last: it ends before what it uses
};
}  // namespace

class Plane::Impl {
 public:
  Impl(const Ports& with, Settings how)
      : ports(with),
        settings(how),
        pool(std::make_unique<Pool>([this](Completion completion) { loop.post(completion); })),
        engine(ports, std::move(how), *pool),
        loop(this->ports.clock, [this] { engine.tick(); }, [this] { return engine.deadline(); }) {
    engine.on_durable([this] { durable.change([](std::uint64_t& n) { n += 1; }); });
  }

  ~Impl() {
    stopping = true;
    loop.stop();
    door->with([](Loop*& open) { open = nullptr; });
    pool.reset();
  }

  Result<void> start() {
    // Before anything is watched: the first event may come at once, and waits for the loop.
    ports.runtime.subscribe([this, entry = door](const ports::InstanceEvent& event) {
      hand_in(*entry, [this, event] { engine.on_instance(event); });
    });
    ports.prober.subscribe([this, entry = door](const ports::ProbeEvent& event) {
      hand_in(*entry, [this, event] { engine.on_probe(event); });
    });
    ECLUSE_TRY(engine.open());
    loop.start();
    measuring.emplace(ports.measurements);
    return {};
  }

  /// Adapters may outlive us and call once more: nobody is behind a closed door.
  static void hand_in(const Locked<Loop*>& entry, Loop::Task task) {
    entry.with([&](Loop* const& open) {
      if (open != nullptr) open->post(std::move(task));
    });
  }

  /// Calls `f` on the thread of steps and waits for what it returns.
  template <typename F>
  auto ask(F f) -> std::invoke_result_t<F> {
    auto answer = std::make_shared<std::promise<std::invoke_result_t<F>>>();
    auto future = answer->get_future();
    loop.post([f = std::move(f), answer] { answer->set_value(f()); });
    return wait_for(future);
  }

  /// Calls `f` with a reply on the thread of steps and waits for the reply.
  template <typename T, typename F>
  Result<T> call(F f) {
    auto answer = std::make_shared<std::promise<Result<T>>>();
    auto future = answer->get_future();
    loop.post([f = std::move(f), answer] {
      auto once = std::make_shared<bool>(false);
      f(Reply<T>([answer, once](Result<T> result) {
        if (std::exchange(*once, true)) return;
        answer->set_value(std::move(result));
      }));
    });
    return wait_for(future);
  }

  template <typename R>
  R wait_for(std::future<R>& future) {
    if (future.wait_for(kAnswerMax) == std::future_status::ready) {
      try {
        return future.get();
      } catch (const std::future_error&) {
        return fail(ErrorKind::kUnavailable, "ecluse is stopping");
      }
    }
    return fail(ErrorKind::kTimeout,
                fmt::format("no answer within {}; the wish may still be carried out",
                            ecluse::to_string(kAnswerMax)),
                "ecluse status shows what became of it");
  }

  Result<Engine::Environment> copy_of(const model::EnvironmentKey& key) {
    return ask([this, key]() -> Result<Engine::Environment> {
      const auto* found = engine.find(key);
      if (found != nullptr) return *found;
      std::vector<std::string> known;
      for (const auto* environment : engine.environments())
        known.push_back(to_string(environment->state.key));
      return fail(ErrorKind::kNotFound,
                  fmt::format("there is no {}; there is {}", to_string(key),
                              known.empty() ? "nothing yet" : join(known, ", ")));
    });
  }

  Result<Ticket> place(Result<RolloutOrder> order) {
    if (!order) return fail(order.error());
    const auto notes = notes_on(*order);
    auto ticket = call<Ticket>([this, order = std::move(*order)](const Reply<Ticket>& reply) {
      engine.request(order.key, order.request, order.pipeline, reply);
    });
    if (ticket && !notes.empty()) ticket->note += (ticket->note.empty() ? "" : "\n") + notes;
    return ticket;
  }

  Result<void> command(const Act& act, const rollout::Event& event) {
    return call<void>([this, act, event](const Reply<void>& reply) {
      engine.command(act.environment, event, act.actor, reply);
    });
  }

  Result<std::shared_ptr<const model::Release>> stable_of(const model::EnvironmentKey& key) {
    ECLUSE_ASSIGN(const auto environment, copy_of(key));
    const auto found = environment.releases.find(environment.state.stable);
    if (found == environment.releases.end())
      return fail(ErrorKind::kRefused, fmt::format("nothing is deployed to {}", to_string(key)),
                  "ecluse deploy");
    return found->second;
  }

  void note(const Act& act, const std::string& kind,
            const std::vector<std::pair<std::string, std::string>>& body) {
    auto event = event_of(to_string(act.environment), kind, act.actor, body, ports.clock.now(),
                          ports.clock.wall());
    loop.post([this, event = std::move(event)] { engine.note(event); });
  }

  Result<EnvironmentView> look(const model::EnvironmentKey& key) {
    ECLUSE_ASSIGN(auto view, ask([this, key]() -> Result<EnvironmentView> {
                    const auto* found = engine.find(key);
                    if (found == nullptr)
                      return fail(ErrorKind::kNotFound,
                                  fmt::format("there is no {}", to_string(key)),
                                  "ecluse status lists what exists");
                    return view_of(*found, engine, ports.clock.now());
                  }));
    if (!view.rollout) {
      auto last = rollouts(key, 1);
      if (last && !last->empty()) view.rollout = last->front();
    }
    for (auto& instance : view.instances) {
      if (auto status = ports.runtime.status(instance.status.id))
        instance.status = std::move(*status);
      if (auto usage = ports.runtime.usage(instance.status.id)) instance.usage = *usage;
    }
    if (const auto stable = stable_of(key))
      if (auto services = ports.services.status(key, (*stable)->spec.services))
        view.services = std::move(*services);
    if (auto counters = ports.traffic.counters(key)) view.counters = std::move(*counters);
    if (measuring) view.latencies = measuring->latencies(key);
    return view;
  }

  Result<std::vector<RolloutView>> rollouts(const model::EnvironmentKey& key, std::size_t limit) {
    ECLUSE_ASSIGN(const auto live, ask([this, key]() -> Result<std::vector<Record>> {
                    std::vector<Record> records;
                    const auto* found = engine.find(key);
                    if (found == nullptr) return records;
                    for (const auto* slot : {&found->state.queued, &found->state.active})
                      if (*slot)
                        if (auto record = engine.live_record((*slot)->id))
                          records.push_back(std::move(*record));
                    return records;
                  }));
    const auto now = ports.clock.now();
    std::vector<RolloutView> out;
    std::set<RolloutId> seen;
    for (const auto& record : live) {
      seen.insert(record.rollout.id);
      out.push_back(view_of(key, record, now));
    }
    ECLUSE_ASSIGN(const auto filed, ports.store.scan(fmt::format("rollout/{}/", to_string(key))));
    for (auto entry = filed.rbegin(); entry != filed.rend() && out.size() < limit; ++entry) {
      ECLUSE_ASSIGN(const auto record, record_from_text(entry->second));
      // One that runs is filed without its machine's state, which is above.
      if (record.rollout.id.empty() || !seen.insert(record.rollout.id).second) continue;
      out.push_back(view_of(key, record, now));
    }
    if (out.size() > limit) out.resize(limit);
    return out;
  }

  /// The number that the next rollout of this one's environment gets.
  std::uint64_t next_number(const RolloutId& id) {
    const auto environment = copy_of(environment_of(id));
    return environment ? environment->state.next_rollout : 0;
  }

  Ports ports;
  Settings settings;
  std::atomic<bool> stopping = false;
  std::atomic<std::uint64_t> commands = 0;
  Locked<std::uint64_t> durable;  ///< grows with every durable batch
  std::unique_ptr<Pool> pool;
  Engine engine;
  Loop loop;
  std::optional<Measuring> measuring;
  std::shared_ptr<Locked<Loop*>> door = std::make_shared<Locked<Loop*>>(&loop);
};

Plane::Plane(const Ports& ports, Settings settings)
    : impl_(std::make_unique<Impl>(ports, std::move(settings))) {}
Plane::~Plane() = default;

Result<void> Plane::start() {
  return impl_->start();
}

Result<Ticket> Plane::deploy(const DeployRequest& request) {
  ECLUSE_ASSIGN(const auto order, deploy_order(impl_->ports, request));
  const auto environment = impl_->copy_of(order.key);
  if (environment && !environment->state.active && !environment->state.stopped) {
    const auto stable = environment->releases.find(environment->state.stable);
    const bool same = stable != environment->releases.end() &&
                      stable->second->commit.sha == order.request.commit &&
                      stable->second->spec == order.pipeline->draft.spec;
    bool same_secrets = same;
    if (same) {
      ECLUSE_ASSIGN(const auto secrets, impl_->ports.secrets.list(order.key));
      for (const auto& [name, version] : stable->second->secret_versions)
        for (const auto& secret : secrets)
          if (secret.name == name && secret.version != version) same_secrets = false;
    }
    if (same_secrets)
      return Ticket{{},
                    fmt::format("release {} already serves {}: nothing to do",
                                environment->state.stable, to_string(order.key))};
  }
  return impl_->place(order);
}

Result<Ticket> Plane::promote(const Act& act, const std::string& confirmation) {
  const auto stable_of =
      [this](const model::EnvironmentKey& key) -> std::shared_ptr<const model::Release> {
    auto found = impl_->stable_of(key);
    return found ? *found : nullptr;
  };
  return impl_->place(promote_order(impl_->ports, act, confirmation, stable_of));
}

Result<void> Plane::approve(const Act& act, const RolloutId& rollout,
                            const std::string& confirmation) {
  auto where = act;
  if (const auto key = model::parse_environment_key(rollout.substr(0, rollout.rfind('@'))))
    where.environment = *key;
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(where.environment));
  ECLUSE_ASSIGN(const auto approved,
                approval(environment, where, rollout, confirmation, impl_->settings));
  return impl_->command(where, approved);
}

Result<Ticket> Plane::rollback(const Act& act, std::optional<model::ReleaseNumber> to) {
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(act.environment));
  const auto& active = environment.state.active;
  const bool on_its_way = active && !active->committed && active->from != 0 &&
                          (!to || *to == active->from) && active->kind != rollout::Kind::kStop;
  if (on_its_way) {
    // What is not committed is rolled back by aborting it.
    ECLUSE_TRY(impl_->command(act, rollout::AbortAsked{act.actor, act.reason}));
    return Ticket{active->id, fmt::format("{} is aborted: release {} goes on serving", active->id,
                                          active->from)};
  }
  return impl_->place(rollback_order(environment, act, to));
}

Result<RollbackCheck> Plane::rollback_check(const Act& act,
                                            std::optional<model::ReleaseNumber> to) {
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(act.environment));
  RollbackCheck check;
  check.release = to.value_or(previous_release(environment));
  const auto found = environment.releases.find(check.release);
  if (found == environment.releases.end()) {
    check.obstacles.push_back(check.release == 0
                                  ? "there is no earlier release"
                                  : fmt::format("there is no release {}", check.release));
    return check;
  }
  const auto& release = *found->second;
  const auto warm = rollout::warm_releases(environment.state);
  check.warm = std::ranges::find(warm, check.release) != warm.end();
  if (check.warm) check.proofs.push_back(fmt::format("release {} runs and is warm", check.release));
  if (const auto path = impl_->ports.builder.path_of(release.artifact.digest)) {
    check.proofs.push_back(fmt::format("artifact {} is complete", release.artifact.digest));
  } else {
    check.obstacles.push_back(path.error().message);
  }
  for (const auto& [name, version] : release.secret_versions) {
    const auto value = impl_->ports.secrets.get(act.environment, name, version);
    auto& list = value ? check.proofs : check.obstacles;
    list.push_back(value ? fmt::format("secret {} version {} is readable", name, version)
                         : value.error().message);
  }
  if (const auto stable = environment.releases.find(environment.state.stable);
      stable != environment.releases.end() && stable->first > check.release) {
    for (const auto& [number, later] : environment.releases)
      if (number > check.release && number <= stable->first)
        for (const auto& job : later->spec.release)
          if (!job.reversible)
            check.irreversible.push_back(fmt::format("release {}: {}", number, job.run));
  }
  Duration start{};
  for (const auto& process : release.spec.processes)
    if (process.ready) start = std::max(start, process.ready->start);
  check.estimate = check.warm ? "a pointer swap, milliseconds"
                              : fmt::format("a cold start, at most {}", ecluse::to_string(start));
  check.possible = check.obstacles.empty();
  return check;
}

Result<void> Plane::abort(const Act& act) {
  return impl_->command(act, rollout::AbortAsked{act.actor, act.reason});
}
Result<void> Plane::pause(const Act& act) {
  return impl_->command(act, rollout::PauseAsked{act.actor});
}
Result<void> Plane::resume(const Act& act) {
  return impl_->command(act, rollout::ResumeAsked{act.actor});
}
Result<void> Plane::promote_now(const Act& act) {
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(act.environment));
  ECLUSE_ASSIGN(const auto asked, hurry(environment, act, impl_->settings));
  return impl_->command(act, asked);
}

Result<Ticket> Plane::restart(const Act& act) {
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(act.environment));
  return impl_->place(again_order(environment, act, rollout::Kind::kRestart, {}));
}
Result<Ticket> Plane::stop(const Act& act) {
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(act.environment));
  return impl_->place(stop_order(environment, act));
}
Result<Ticket> Plane::start(const Act& act) {
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(act.environment));
  return impl_->place(again_order(environment, act, rollout::Kind::kStart, {}));
}
Result<Ticket> Plane::scale(const Act& act, const std::map<std::string, int>& instances) {
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(act.environment));
  return impl_->place(again_order(environment, act, rollout::Kind::kScale, instances));
}
Result<void> Plane::maintenance(const Act& act, bool on) {
  return impl_->command(act, rollout::MaintenanceAsked{on, act.actor});
}

Result<void> Plane::remove(const Act& act, bool delete_data) {
  if (delete_data)
    return fail(ErrorKind::kRefused,
                "deleting the data of services and volumes is not available yet",
                "remove it without; the data stays under the data folder");
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(act.environment));
  const auto stable = environment.releases.find(environment.state.stable);
  ECLUSE_TRY(impl_->call<void>([this, act](const Reply<void>& reply) {
    impl_->engine.remove_environment(act.environment, reply);
  }));
  ECLUSE_TRY(impl_->ports.traffic.remove(
      act.environment, {impl_->engine.term(), {}, environment.state.sequence + 1}));
  if (stable != environment.releases.end())
    for (const auto& service : stable->second->spec.services)
      ECLUSE_TRY(impl_->ports.services.stop(act.environment, service.name));
  impl_->note(act, "environment.removed", {});
  return {};
}

Result<std::vector<EnvironmentView>> Plane::status(const std::string& app) {
  ECLUSE_ASSIGN(const auto keys,
                impl_->ask([this, app]() -> Result<std::vector<model::EnvironmentKey>> {
                  std::vector<model::EnvironmentKey> out;
                  for (const auto* environment : impl_->engine.environments())
                    if (app.empty() || environment->state.key.app == app)
                      out.push_back(environment->state.key);
                  return out;
                }));
  std::vector<EnvironmentView> views;
  for (const auto& key : keys) {
    ECLUSE_ASSIGN(auto view, impl_->look(key));
    views.push_back(std::move(view));
  }
  return views;
}

Result<std::string> Plane::metrics(metrics::Form form) {
  ECLUSE_ASSIGN(auto measures, impl_->ask([this]() -> Result<PlatformMeasures> {
    return measures_of(impl_->engine);
  }));
  if (impl_->measuring) {
    auto standing = impl_->measuring->standing();
    measures.gateway_answers = standing.gateway_answers;
    measures.traffic = std::move(standing.traffic);
  }
  return text_of(measures, form);
}

Result<EnvironmentView> Plane::environment(const model::EnvironmentKey& key) {
  return impl_->look(key);
}

Result<RolloutView> Plane::rollout(const RolloutId& id) {
  const auto key = model::parse_environment_key(id.substr(0, id.rfind('@')));
  if (!key)
    return fail(ErrorKind::kInvalid, fmt::format("`{}` is not a rollout", printable(id)),
                "it looks like shop/prod@12");
  const auto live = impl_->ask(
      [this, id]() -> Result<std::optional<Record>> { return impl_->engine.live_record(id); });
  if (!live) return fail(live.error());
  const auto now = impl_->ports.clock.now();
  if (*live) return view_of(*key, **live, now);
  ECLUSE_ASSIGN(const auto text, impl_->ports.store.get(rollout_store_key(id)));
  if (!text)
    return fail(not_kept(id, "record", impl_->next_number(id), impl_->settings.records_kept));
  ECLUSE_ASSIGN(auto record, record_from_text(*text));
  record.rollout.id = id;
  return view_of(*key, record, now);
}

Result<std::vector<RolloutView>> Plane::rollouts(const model::EnvironmentKey& key,
                                                 std::size_t limit) {
  return impl_->rollouts(key, limit);
}

Result<std::vector<ReleaseView>> Plane::releases(const model::EnvironmentKey& key) {
  ECLUSE_ASSIGN(const auto environment, impl_->copy_of(key));
  return releases_of(environment);
}

Result<std::vector<ports::StoredEvent>> Plane::events(const ports::EventQuery& query) {
  return impl_->ports.store.events(query);
}

Result<std::vector<ports::StoredEvent>> Plane::await_events(const ports::EventQuery& query,
                                                            Duration timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto seen = impl_->durable.with([](std::uint64_t n) { return n; });
    ECLUSE_ASSIGN(auto found, impl_->ports.store.events(query));
    const auto left =
        std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now());
    if (!found.empty() || left <= Duration::zero() || impl_->stopping) return found;
    impl_->durable.when(
        left, [&](std::uint64_t n) { return n != seen; }, [](std::uint64_t n) { return n; });
  }
}

Result<std::string> Plane::trial(const RolloutId& id) {
  const auto live = impl_->ask([this, id]() -> Result<std::optional<std::string>> {
    const auto* found = impl_->engine.trial(id);
    return found == nullptr ? std::nullopt : std::optional(found->picture());
  });
  if (!live) return fail(live.error());
  if (*live) return **live;
  ECLUSE_ASSIGN(const auto text, impl_->ports.store.get(trial_store_key(id)));
  if (text) return picture_in(*text);
  if (const auto known = rollout(id); !known) return fail(known.error());
  auto error = not_kept(id, "trial", impl_->next_number(id), impl_->settings.trials_kept);
  if (error.hint.empty())
    error = {ErrorKind::kNotFound, fmt::format("{} was never on trial", printable(id)),
             "a deploy is, while an old release stands beside it"};
  return fail(std::move(error));
}

Result<ports::LogChunk> Plane::stage_log(const RolloutId& id, const std::string& stage,
                                         std::uint64_t from_offset, Duration wait) {
  return impl_->ports.stage_logs.read(id, stage, from_offset, wait);
}

Result<ports::LogChunk> Plane::logs(const std::string& instance, const ports::LogQuery& query) {
  return instance_log(impl_->ports, instance, query);
}

Result<int> Plane::run(const Act& act, const std::vector<std::string>& argv,
                       const ports::LineSink& sink, const std::stop_token& stop) {
  ECLUSE_ASSIGN(const auto release, impl_->stable_of(act.environment));
  const auto id = fmt::format(
      "{}-{}", model::environment_id(act.environment, "run", std::to_string(impl_->engine.term())),
      ++impl_->commands);
  ECLUSE_ASSIGN(const auto launch,
                command_launch_of(impl_->ports, impl_->settings, *release, argv, id));
  impl_->note(act, "command.run", {{"command", impl_->ports.secrets.redact(join(argv, " "))}});
  StopWhile canceller(impl_->ports.runtime, id, stop);
  if (!canceller.may_begin()) return fail(ErrorKind::kConflict, "nobody waits for the command");
  return impl_->ports.runtime.run_job(
      launch, kCommandMax, [&](std::string_view line) { sink(impl_->ports.secrets.redact(line)); });
}

Result<ports::MoveReport> Plane::move_database(const Act& act, const ports::MoveOrder& order,
                                               const ports::LineSink& sink,
                                               const std::stop_token& stop) {
  ECLUSE_ASSIGN(const auto release, impl_->stable_of(act.environment));
  return control::move_database(
      impl_->ports, act, *release, order, sink, stop,
      [this, &act](const std::string& kind, const Facts& facts) { impl_->note(act, kind, facts); });
}

Result<std::vector<EnvEntry>> Plane::env(const model::EnvironmentKey& key) {
  ECLUSE_ASSIGN(const auto release, impl_->stable_of(key));
  const model::ProcessSpec* web = nullptr;
  for (const auto& process : release->spec.processes)
    if (web == nullptr || (process.takes_traffic && !web->takes_traffic)) web = &process;
  ECLUSE_ASSIGN(const auto variables, environment_of(impl_->ports, *release, web, 8080));
  std::vector<EnvEntry> out;
  for (const auto& [name, variable] : variables) {
    EnvEntry entry{name, impl_->ports.secrets.redact(variable.value), variable.origin};
    if (!variable.secret.empty()) {
      const auto version = release->secret_versions.find(variable.secret);
      entry.value = version == release->secret_versions.end()
                        ? fmt::format("secret:{}", variable.secret)
                        : fmt::format("secret:{} version {}", variable.secret, version->second);
    }
    out.push_back(std::move(entry));
  }
  return out;
}

Result<std::uint32_t> Plane::secret_set(const Act& act, const std::string& name,
                                        std::string_view value) {
  ECLUSE_ASSIGN(const auto version,
                impl_->ports.secrets.set(act.environment, name, value, act.actor));
  impl_->note(act, "secret.set", {{"name", name}, {"version", std::to_string(version)}});
  ECLUSE_ASSIGN(const auto pinned,
                impl_->ask([this, act, name]() -> Result<std::set<std::uint32_t>> {
                  return pinned_versions(impl_->engine, act.environment, name);
                }));
  ECLUSE_TRY(impl_->ports.secrets.prune(act.environment, name, pinned));
  return version;
}

Result<void> Plane::secret_remove(const Act& act, const std::string& name) {
  ECLUSE_TRY(impl_->ports.secrets.remove(act.environment, name, act.actor));
  impl_->note(act, "secret.removed", {{"name", name}});
  return {};
}

Result<std::vector<ports::SecretInfo>> Plane::secrets(const model::EnvironmentKey& key) {
  return impl_->ports.secrets.list(key);
}

Result<std::uint64_t> Plane::reclaim(const std::string& actor, bool dry_run) {
  // What a running pipeline has is pinned as well; what a build is about to give it, the builder
  // spares by itself.
  ECLUSE_ASSIGN(const auto pinned, impl_->ask([this]() -> Result<std::set<std::string>> {
    return pinned_artifacts(impl_->engine);
  }));
  ECLUSE_ASSIGN(const auto bytes, impl_->ports.builder.reclaim(pinned, dry_run));
  if (!dry_run)
    impl_->note({{"", ""}, actor, ""}, "disk.reclaimed", {{"bytes", std::to_string(bytes)}});
  return bytes;
}

}  // namespace ecluse::control
