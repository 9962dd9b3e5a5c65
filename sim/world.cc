#include "sim/world.h"

#include "rollout/state_json.h"

namespace ecluse::sim {

World::World(std::uint64_t seed)
    : prng(seed),
      executor(scheduler, prng),
      clock(scheduler),
      runtime(scheduler),
      traffic(scheduler),
      prober(scheduler, runtime),
      visitors(scheduler, traffic, prng),
      ports{clock,   runtime,  traffic, prober,     store, vcs,
            builder, services, secrets, stage_logs, {},    &backups} {
  ports.parse = [this](std::string_view text, const std::string&) -> Result<control::ParsedApp> {
    const auto found = specs.find(std::string(text));
    if (found == specs.end()) return fail(ErrorKind::kInvalid, "ecluse.yml:1:1: not a mapping");
    return control::ParsedApp{found->second, {}};
  };
  traffic.answers = [this](const std::string& id) { return runtime.healthy(id); };
  runtime.subscribe([this](const ports::InstanceEvent& event) {
    if (engine) engine->on_instance(event);
  });
  prober.subscribe([this](const ports::ProbeEvent& event) {
    if (engine) engine->on_probe(event);
  });
}

void World::add_commit(const std::string& sha, model::AppSpec spec) {
  const auto text = "ecluse.yml of " + sha;
  vcs.files[sha] = text;
  specs[text] = std::move(spec);
}

bool World::boot() {
  latched_at_boot = traffic.latches();
  engine = std::make_unique<control::Engine>(ports, settings, executor);
  engine->set_witness([this](const rollout::State& before, const rollout::Step& step) {
    if (witness) witness(before, step);
  });
  if (engine->open()) return true;
  crash();
  return false;
}

void World::crash(double still_arrives) {
  executor.crash(still_arrives);
  die();
}

void World::reboot() {
  reboots += 1;
  executor.reboot();
  die();
  runtime.reboot();
}

void World::die() {
  deaths += 1;
  prober.forget_all();
  engine.reset();
}

void World::suspend(Duration time) {
  scheduler.advance_to(scheduler.now() + time);
}

void World::run_until(TimePoint until, const std::function<bool()>& done) {
  while (!done()) {
    const auto due = engine ? engine->deadline() : std::nullopt;
    const bool has_work = !scheduler.empty() && scheduler.next() <= until;
    const bool has_tick = due && *due <= until;
    if (has_tick && (!has_work || *due < scheduler.next())) {
      scheduler.advance_to(*due);
      engine->tick();
    } else if (has_work) {
      scheduler.run_one();
    } else {
      scheduler.advance_to(until);
      return;
    }
  }
}

namespace {
template <typename T>
control::Reply<T> into(const World::Answer<T>& box) {
  return [box](Result<T> result) { *box = std::move(result); };
}
template <typename T>
World::Answer<T> box_of() {
  return std::make_shared<std::optional<Result<T>>>();
}
}  // namespace

World::Answer<control::Ticket> World::place(Result<control::RolloutOrder> order) {
  auto box = box_of<control::Ticket>();
  if (!order) {
    *box = fail(order.error());
  } else {
    engine->request(order->key, order->request, order->pipeline, into(box));
  }
  return box;
}

World::Answer<control::Ticket> World::deploy(const std::string& sha,
                                             const std::string& environment) {
  return place(control::deploy_order(
      ports,
      {.repository = "/repository", .ref = sha, .environment = environment, .actor = "alice"}));
}

World::Answer<control::Ticket> World::promote(const std::string& environment) {
  const auto stable_of =
      [this](const model::EnvironmentKey& from) -> std::shared_ptr<const model::Release> {
    const auto* found = engine->find(from);
    if (found == nullptr) return nullptr;
    const auto release = found->releases.find(found->state.stable);
    return release == found->releases.end() ? nullptr : release->second;
  };
  return place(control::promote_order(ports, {key(environment), "alice", ""}, "", stable_of));
}

namespace {
Result<control::RolloutOrder> nothing_there() {
  return fail(ErrorKind::kNotFound, "there is no such environment");
}
}  // namespace

World::Answer<control::Ticket> World::rollback(const std::string& environment,
                                               model::ReleaseNumber to) {
  const auto* found = engine->find(key(environment));
  if (found == nullptr) return place(nothing_there());
  return place(control::rollback_order(*found, {key(environment), "bob", "it is slow"},
                                       to == 0 ? std::nullopt : std::optional(to)));
}

World::Answer<control::Ticket> World::again(const std::string& environment, rollout::Kind kind,
                                            const std::map<std::string, int>& instances) {
  const auto* found = engine->find(key(environment));
  if (found == nullptr) return place(nothing_there());
  return place(control::again_order(*found, {key(environment), "bob", ""}, kind, instances));
}

World::Answer<control::Ticket> World::stop(const std::string& environment) {
  const auto* found = engine->find(key(environment));
  if (found == nullptr) return place(nothing_there());
  return place(control::stop_order(*found, {key(environment), "bob", ""}));
}

World::Answer<void> World::command(const std::string& environment, const rollout::Event& event) {
  auto box = box_of<void>();
  engine->command(key(environment), event, "bob", into(box));
  return box;
}

World::Answer<void> World::approve(const std::string& environment) {
  auto box = box_of<void>();
  const auto* found = engine->find(key(environment));
  if (found == nullptr) {
    *box = fail(ErrorKind::kNotFound, "there is no such environment");
    return box;
  }
  const auto approved = control::approval(*found, {key(environment), "carol", ""}, "", "", {});
  if (!approved) {
    *box = fail(approved.error());
    return box;
  }
  engine->command(key(environment), *approved, "carol", into(box));
  return box;
}

const rollout::State* World::state(const std::string& environment) const {
  const auto* found = engine ? engine->find(key(environment)) : nullptr;
  return found == nullptr ? nullptr : &found->state;
}

std::optional<rollout::State> World::stored(const model::EnvironmentKey& environment) {
  const auto text = store.get(control::environment_store_key(environment));
  if (!text || !*text) return std::nullopt;
  auto& [known_text, known] = read_[environment];
  if (known_text == **text) return known;
  known_text = **text;
  auto state = rollout::state_from_text(known_text);
  known = state ? std::optional(std::move(*state)) : std::nullopt;
  return known;
}

std::optional<control::Record> World::record(const std::string& id) {
  const auto text = store.get(control::rollout_store_key(id));
  if (!text || !*text) return std::nullopt;
  auto record = control::record_from_text(**text);
  if (!record || !record->ended) return std::nullopt;
  return std::move(*record);
}

bool World::at_rest() const {
  if (!engine || !engine->journal().idle()) return false;
  for (const auto* environment : engine->environments())
    if (environment->state.active || environment->state.queued) return false;
  return true;
}

}  // namespace ecluse::sim
