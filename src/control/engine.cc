#include "control/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "control/audit.h"
#include "control/launch.h"
#include "model/spec_json.h"
#include "rollout/state_json.h"

namespace ecluse::control {

namespace {
constexpr const char* kForgotten = "forgotten/";
constexpr std::string_view kTermKey = "term";

Lane lane_of(const model::EnvironmentKey& key, const rollout::Effect& effect) {
  using rollout::EffectKind;
  const auto where = to_string(key);
  switch (effect.kind) {
    case EffectKind::kApplySite:
    case EffectKind::kAbortSite:
      return {"site " + where, Urgency::kUrgent};
    case EffectKind::kStart:
    case EffectKind::kStop:
      return {model::instance_id({{key, effect.release}, effect.process, effect.index}),
              Urgency::kNormal};
    case EffectKind::kEnsureServices:
      return {"services " + where, Urgency::kLong};
    case EffectKind::kBackUp:
      return {"backup " + where, Urgency::kLong};
    case EffectKind::kExamine:
      return {"examine " + where, Urgency::kLong};
    case EffectKind::kRunJob:
      return {"job " + where, Urgency::kLong};
    case EffectKind::kAskLatch:
    case EffectKind::kObserve:
    case EffectKind::kAsk:
    case EffectKind::kCheckpoint:
    case EffectKind::kDrain:
    case EffectKind::kCountInFlight:
    case EffectKind::kGather:
    case EffectKind::kSynthesize:
      return {fmt::format("{} {}", to_string(effect.kind), where), Urgency::kNormal};
  }
  return {where, Urgency::kNormal};
}
}  // namespace

Engine::Engine(const Ports& ports, Settings settings, Executor& executor)
    : ports_(ports),
      settings_(std::make_shared<const Settings>(std::move(settings))),
      executor_(executor),
      journal_(ports.store, ports.clock, executor),
      judging_(ports.outcomes, ports.clock, executor,
               {[this](const auto& key, const auto& ruling, const auto& trial) {
                  judged(key, ruling, trial);
                },
                [this](const auto& trial) { keep(trial); }}) {}

// Loading and resuming -------------------------------------------------------------------------

Result<void> Engine::open() {
  ECLUSE_TRY(load());
  ECLUSE_ASSIGN(const auto stored, ports_.store.get(std::string(kTermKey)));
  if (stored) std::from_chars(stored->data(), stored->data() + stored->size(), term_);
  term_ += 1;
  ports::Batch batch;
  batch.put[std::string(kTermKey)] = std::to_string(term_);
  ECLUSE_TRY(ports_.store.commit(batch));
  for (auto& [key, room] : rooms_) {
    watch(room);
    apply(room, rollout::Recovered{});
  }
  std::vector<RolloutId> ids;
  for (const auto& [id, state] : pipelines_) ids.push_back(id);
  for (const auto& id : ids) apply_pipeline(id, pipeline::Recovered{}, {}, {}, {});
  return {};
}

Result<void> Engine::load() {
  ECLUSE_ASSIGN(const auto environments, ports_.store.scan("environment/"));
  for (const auto& [key, text] : environments) {
    const auto loaded = load_environment(text);
    if (!loaded) return fail(in_context(fmt::format("stored `{}`", key), loaded.error()));
  }
  ECLUSE_ASSIGN(const auto forgotten, ports_.store.scan(kForgotten));
  for (const auto& [key, text] : forgotten) {
    auto state = rollout::state_from_text(text);
    if (!state) return fail(in_context(fmt::format("stored `{}`", key), state.error()));
    forgotten_[state->key] = std::move(*state);
  }
  ECLUSE_ASSIGN(const auto pipelines, ports_.store.scan("pipeline/"));
  for (const auto& [key, text] : pipelines) {
    auto state = pipeline::state_from_text(text);
    if (!state) return fail(in_context(fmt::format("stored `{}`", key), state.error()));
    pipelines_[state->id] = std::move(*state);
  }
  return {};
}

Result<void> Engine::load_environment(const std::string& text) {
  ECLUSE_ASSIGN(auto state, rollout::state_from_text(text));
  const auto key = state.key;
  auto& loaded = rooms_[key];
  loaded.state = std::move(state);
  ECLUSE_ASSIGN(const auto releases, ports_.store.scan(fmt::format("release/{}/", to_string(key))));
  for (const auto& [name, release_text] : releases) {
    ECLUSE_ASSIGN(auto release, model::release_from_text(release_text));
    const auto number = release.key.number;
    loaded.releases[number] = std::make_shared<const model::Release>(std::move(release));
  }
  for (const auto* slot : {&loaded.state.active, &loaded.state.queued}) {
    if (!*slot) continue;
    ECLUSE_ASSIGN(const auto filed, ports_.store.get(rollout_store_key((*slot)->id)));
    if (!filed) continue;
    ECLUSE_ASSIGN(records_[(*slot)->id], record_from_text(*filed));
  }
  return {};
}

// Steps of a rollout machine ---------------------------------------------------------------------

Engine::Room& Engine::room(const model::EnvironmentKey& key) {
  const auto [place, is_new] = rooms_.try_emplace(key);
  auto& state = place->second.state;
  // One that comes back goes on counting: the gateway and the store know its old numbers.
  if (const auto before = forgotten_.find(key); is_new && before != forgotten_.end())
    state = before->second;
  state.key = key;
  return place->second;
}

void Engine::apply(Room& room, const rollout::Event& event, Change change) {
  const auto now = ports_.clock.now();
  auto step = rollout::step(room.state, event, now);
  if (step.next == room.state && step.effects.empty() && change.after.empty()) return;
  if (witness_) witness_(room.state, step);
  ports::Batch batch;
  batch.events = audit(room.state, step.next, change.actor, now, ports_.clock.wall());
  if (change.also) change.also(step.next, batch);
  file_ended(room, step.next, batch);
  room.state = std::move(step.next);
  batch.put[environment_store_key(room.state.key)] = rollout::to_text(room.state);
  // An abort and a warm swap go out before their commit: a slow disk must not delay a rollback.
  for (const auto& effect : step.effects)
    if (is_urgent(effect.kind)) start_effect(room.state.key, effect);
  std::erase_if(step.effects, [](const rollout::Effect& e) { return is_urgent(e.kind); });
  start_effects(room, step.effects, change.after);
  watch(room);
  reply_to_swaps(room);
  if (told_) change.after.push_back(told_);
  journal_.append(std::move(batch), std::move(change.after));
  attend_trial(room);  // a trial is closed after the state that ended it
}

void Engine::start_effects(Room& room, const std::vector<rollout::Effect>& effects,
                           std::vector<std::function<void()>>& after) {
  for (const auto& effect : effects)
    after.push_back([this, key = room.state.key, effect] { start_effect(key, effect); });
}

Order Engine::order_of(const Room& room, const rollout::Effect& effect) const {
  const auto release_of = [&](model::ReleaseNumber number) {
    const auto found = room.releases.find(number);
    return found == room.releases.end() ? nullptr : found->second;
  };
  const auto& state = room.state;
  Order order{.effect = effect, .key = state.key};
  order.release = release_of(effect.release);
  if (state.active) order.rollout = state.active->id;
  if (state.active) order.from = state.active->from;
  if (is_site_decision(effect.kind)) {
    order.site = site_of(state, [&](model::ReleaseNumber n) { return release_of(n).get(); });
    order.leading = release_of(leading_release(state));
    for (const auto& arm : order.site.arms) order.routed.push_back(release_of(arm.release));
    order.fence = {term_, effect.fence, effect.sequence};
  }
  order.ensure_services = !state.active || state.active->release != effect.release;
  for (const auto& instance : state.instances)
    if (instance.release == effect.release && instance.process == effect.process &&
        instance.index == effect.index)
      order.instance = instance;
  if (order.effect.kind == rollout::EffectKind::kGather && state.active &&
      order.instance.last_exit) {
    // The stage in which it ran before it was found dead tells about how long it lived.
    for (const auto& stage : state.active->stages)
      if (stage.name == to_string(rollout::Phase::kProbing) && stage.ended)
        order.lived = *stage.ended - stage.began;
  }
  return order;
}

void Engine::start_effect(const model::EnvironmentKey& key, const rollout::Effect& effect) {
  const auto found = rooms_.find(key);
  if (found == rooms_.end()) return;  // the environment was removed meanwhile
  const auto& pending = found->second.state.pending;
  // A later decision may have taken it back while its commit was under way.
  if (std::ranges::find(pending, effect.id, &rollout::Effect::id) == pending.end()) return;
  auto order = std::make_shared<const Order>(order_of(found->second, effect));
  // The work may outlive this engine (never its completion), so it holds what it needs itself.
  executor_.run(lane_of(key, effect),
                [this, order, ports = &ports_, settings = settings_]() -> Completion {
                  auto ack = perform(*ports, *settings, *order);
                  return [this, key = order->key, ack = std::move(ack)] {
                    const auto room = rooms_.find(key);
                    if (room != rooms_.end())
                      apply(room->second, ack, kept_with(room->second, ack));
                  };
                });
}

void Engine::file_ended(Room& room, rollout::State& next, ports::Batch& batch) {
  for (auto& ended : next.ended) {
    endings_[next.key][ended.outcome] += 1;
    auto record = records_[ended.id];
    records_.erase(ended.id);
    if (const auto pipeline = pipelines_.find(ended.id); pipeline != pipelines_.end()) {
      record.stages = pipeline->second.stages;
      batch.erase.push_back(pipeline_store_key(ended.id));
      pipelines_.erase(pipeline);
    }
    if (const auto old = older_by(settings_->trials_kept, ended.id))
      batch.erase.push_back(trial_store_key(*old));
    if (const auto old = older_by(settings_->records_kept, ended.id))
      batch.erase.push_back(rollout_store_key(*old));
    const auto swap = room.swaps.find(ended.id);
    record.rollout = std::move(ended);
    record.ended = ports_.clock.wall();
    batch.put[rollout_store_key(record.rollout.id)] = to_text(record);
    if (swap == room.swaps.end()) continue;
    const bool aborted = record.rollout.outcome == rollout::Outcome::kAborted;
    swap->second(aborted ? Result<Ticket>(Ticket{record.rollout.id, {}})
                         : fail(ErrorKind::kConflict, record.rollout.reason));
    room.swaps.erase(swap);
  }
  next.ended.clear();
}

void Engine::reply_to_swaps(Room& room) {
  if (room.swaps.empty() || !room.state.active) return;
  const auto& active = *room.state.active;
  const auto swap = room.swaps.find(active.id);
  if (swap == room.swaps.end() || active.phase == rollout::Phase::kSwapping ||
      active.phase == rollout::Phase::kAborting)
    return;
  const auto reply = std::move(swap->second);
  room.swaps.erase(swap);
  reply(Ticket{active.id,
               fmt::format("release {} serves {}", active.release, to_string(room.state.key))});
}

void Engine::watch(Room& room) {
  std::set<std::string> wanted;
  for (const auto& instance : room.state.instances) {
    const bool probed = instance.traffic &&
                        instance.standing == rollout::InstanceStanding::kRunning &&
                        !instance.address.empty();
    const auto release = room.releases.find(instance.release);
    if (!probed || release == room.releases.end()) continue;
    const auto id = instance_id(room.state, instance);
    wanted.insert(id);
    const auto known = room.watched.find(id);
    const bool same = known != room.watched.end() && known->second.address == instance.address &&
                      known->second.port == instance.port;
    if (same) continue;
    const auto target = probe_target_of(*release->second, instance, id);
    if (known == room.watched.end() && instance.ready) {
      const auto probe = target.ready.value_or(model::ProbeSpec{});
      unconfirmed_[id] = ports_.clock.now() + probe.start;
    }
    room.watched[id] = target;
    ports_.prober.watch(target);
  }
  std::erase_if(room.watched, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    ports_.prober.forget(entry.first);
    unconfirmed_.erase(entry.first);
    return true;
  });
}

// The judge ---------------------------------------------------------------------------------------

void Engine::attend_trial(const Room& room) {
  const auto& active = room.state.active;
  const auto release = room.releases.find(active ? active->release : 0);
  judging_.attend(room.state, release == room.releases.end() ? nullptr : release->second.get(),
                  [this](const std::string& key) -> std::optional<std::string> {
                    auto text = ports_.store.get(key);
                    if (text) return *text;
                    log_error("the judge begins anew: {}", text.error().message);
                    return std::nullopt;
                  });
}

void Engine::judged(const model::EnvironmentKey& key, const rollout::Judged& ruling,
                    const std::map<std::string, std::string>& trial) {
  const auto found = rooms_.find(key);
  bool stored = false;
  Change change{.actor = "the judge", .also = {}, .after = {}};
  change.also = [&](const rollout::State&, ports::Batch& batch) {
    for (const auto& [name, text] : trial) batch.put[name] = text;
    stored = true;
  };
  if (found != rooms_.end()) apply(found->second, ruling, std::move(change));
  if (!stored) keep(trial);
}

void Engine::keep(const std::map<std::string, std::string>& trial) {
  ports::Batch batch;
  for (const auto& [name, text] : trial) batch.put[name] = text;
  journal_.append(std::move(batch), {});
}

// Events from below ------------------------------------------------------------------------------

void Engine::on_instance(const ports::InstanceEvent& event) {
  for (auto& [key, room] : rooms_) {
    if (find_instance(room.state, event.id) == nullptr) continue;
    rollout::InstanceChanged changed{.instance = event.id, .exit_code = event.exit_code};
    switch (event.change) {
      case ports::InstanceChange::kStarted:
        changed.news = rollout::InstanceNews::kStarted;
        break;
      case ports::InstanceChange::kExited:
        changed.news = rollout::InstanceNews::kExited;
        break;
      case ports::InstanceChange::kCrashLooping:
        changed.news = rollout::InstanceNews::kCrashLooping;
        break;
      case ports::InstanceChange::kStopped:
        changed.news = rollout::InstanceNews::kStopped;
        break;
    }
    // It may be back before a probe has missed it: readiness is asked for anew.
    const auto watched = room.watched.find(event.id);
    if (changed.news == rollout::InstanceNews::kExited && watched != room.watched.end()) {
      unconfirmed_.erase(event.id);
      ports_.prober.forget(event.id);
      ports_.prober.watch(watched->second);
    }
    apply(room, changed);
    return;
  }
}

void Engine::on_probe(const ports::ProbeEvent& event) {
  unconfirmed_.erase(event.instance);
  for (auto& [key, room] : rooms_) {
    if (find_instance(room.state, event.instance) == nullptr) continue;
    rollout::InstanceChanged changed{.instance = event.instance,
                                     .detail = ports_.secrets.redact(event.detail)};
    switch (event.change) {
      case ports::ProbeChange::kReady:
        changed.news = rollout::InstanceNews::kReady;
        break;
      case ports::ProbeChange::kUnready:
        changed.news = rollout::InstanceNews::kUnready;
        break;
      case ports::ProbeChange::kDead:
        changed.news = rollout::InstanceNews::kDead;
        break;
    }
    apply(room, changed);
    return;
  }
}

void Engine::confirm_readiness() {
  const auto now = ports_.clock.now();
  std::vector<std::string> silent;
  for (const auto& [id, until] : unconfirmed_)
    if (until <= now) silent.push_back(id);
  for (const auto& id : silent)
    on_probe({id, ports::ProbeChange::kUnready, "not ready since ecluse started again"});
}

void Engine::tick() {
  const auto now = ports_.clock.now();
  journal_.tick(now);
  judging_.tick(now);
  confirm_readiness();
  for (auto& [key, room] : rooms_)
    if (const auto due = rollout::deadline(room.state); due && *due <= now)
      apply(room, rollout::Tick{});
  std::vector<RolloutId> due;
  for (const auto& [id, state] : pipelines_)
    if (const auto at = pipeline::deadline(state); at && *at <= now) due.push_back(id);
  for (const auto& id : due) apply_pipeline(id, pipeline::Tick{}, {}, {}, {});
}

std::optional<TimePoint> Engine::deadline() const {
  std::optional<TimePoint> first = journal_.deadline();
  const auto consider = [&](std::optional<TimePoint> at) {
    if (at && (!first || *at < *first)) first = at;
  };
  for (const auto& [key, room] : rooms_) consider(rollout::deadline(room.state));
  for (const auto& [id, state] : pipelines_) consider(pipeline::deadline(state));
  for (const auto& [id, until] : unconfirmed_) consider(until);
  consider(judging_.deadline());
  return first;
}

// Requests and commands --------------------------------------------------------------------------

void Engine::request(const model::EnvironmentKey& key, rollout::Requested request,
                     std::optional<pipeline::State> pipeline, Reply<Ticket> reply) {
  auto& where = room(key);
  if (const auto refused = rollout::refusal(where.state, request)) return reply(fail(*refused));
  const auto warm = rollout::warm_releases(where.state);
  const bool swaps = request.kind == rollout::Kind::kRollback &&
                     std::ranges::find(warm, request.release) != warm.end();
  if (journal_.trouble() && !swaps)
    return reply(fail(
        in_context("nothing was started, because state cannot be written", *journal_.trouble())));
  const auto id = fmt::format("{}@{}", to_string(key), where.state.next_rollout);
  Record record{.began = ports_.clock.wall(), .began_at = ports_.clock.now()};
  if (pipeline) record.commit = pipeline->draft.commit;
  records_[id] = record;
  request.term = term_;
  Change change{.actor = request.actor};
  if (pipeline && !swaps) {
    pipeline->id = id;
    pipeline->draft.key.environment = key;
    pipelines_[id] = *pipeline;
  }
  change.also = [&](const rollout::State&, ports::Batch& batch) {
    batch.put[rollout_store_key(id)] = to_text(record);
    if (pipeline && !swaps) batch.put[pipeline_store_key(id)] = pipeline::to_text(*pipeline);
  };
  if (swaps) {
    where.swaps[id] = std::move(reply);
  } else {
    change.after.push_back([this, id, reply = std::move(reply), runs = pipeline.has_value()] {
      reply(Ticket{id, {}});
      if (runs) apply_pipeline(id, pipeline::Started{}, {}, {}, {});
    });
  }
  apply(where, request, std::move(change));
}

void Engine::command(const model::EnvironmentKey& key, const rollout::Event& event,
                     const std::string& actor, Reply<void> reply) {
  const auto found = rooms_.find(key);
  if (found == rooms_.end())
    return reply(fail(ErrorKind::kNotFound, fmt::format("there is no {}", to_string(key)),
                      "ecluse status lists what exists"));
  if (const auto refused = rollout::refusal(found->second.state, event))
    return reply(fail(*refused));
  const auto& active = found->second.state.active;
  // The abort of a swap that is not yet written is told when it is: a crash may take both.
  const bool is_written = !active || active->kind != rollout::Kind::kRollback ||
                          active->phase != rollout::Phase::kCommitting;
  const bool swaps = std::holds_alternative<rollout::AbortAsked>(event) && active &&
                     rollout::is_armed(active->phase) && is_written;
  Change change{.actor = actor};
  if (swaps) {
    found->second.swaps[active->id] = [reply](const Result<Ticket>& ticket) {
      reply(ticket ? Result<void>() : Result<void>(fail(ticket.error())));
    };
  } else {
    change.after.push_back([reply] { reply({}); });
  }
  apply(found->second, event, std::move(change));
}

void Engine::note(ports::StoredEvent event) {
  ports::Batch batch;
  batch.events.push_back(std::move(event));
  std::vector<std::function<void()>> after;
  if (told_) after.push_back(told_);
  journal_.append(std::move(batch), std::move(after));
}

void Engine::put(const std::string& key, std::string value) {
  ports::Batch batch;
  batch.put[key] = std::move(value);
  journal_.append(std::move(batch), {});
}

void Engine::remove_environment(const model::EnvironmentKey& key, Reply<void> reply) {
  const auto found = rooms_.find(key);
  if (found == rooms_.end())
    return reply(fail(ErrorKind::kNotFound, fmt::format("there is no {}", to_string(key))));
  const auto& state = found->second.state;
  if (state.active || state.queued || !state.instances.empty())
    return reply(fail(ErrorKind::kRefused, fmt::format("{} still runs", to_string(key)),
                      "ecluse stop first"));
  ports::Batch batch;
  const rollout::State counters{.key = key,
                                .sequence = state.sequence + 1,  // that of the site's removal
                                .next_effect = state.next_effect,
                                .next_rollout = state.next_rollout,
                                .next_release = state.next_release};
  forgotten_[key] = counters;
  batch.put[fmt::format("{}{}", kForgotten, to_string(key))] = to_text(counters);
  batch.erase.push_back(environment_store_key(key));
  for (const auto& [number, release] : found->second.releases)
    batch.erase.push_back(release_store_key(release->key));
  rooms_.erase(found);
  journal_.append(std::move(batch), {[reply] { reply({}); }});
}

// Reading ----------------------------------------------------------------------------------------

const Engine::Environment* Engine::find(const model::EnvironmentKey& key) const {
  const auto found = rooms_.find(key);
  return found == rooms_.end() ? nullptr : &found->second;
}

std::vector<const Engine::Environment*> Engine::environments() const {
  std::vector<const Environment*> all;
  for (const auto& [key, room] : rooms_) all.push_back(&room);
  return all;
}

std::optional<Record> Engine::live_record(const RolloutId& id) const {
  const auto* environment = find(environment_of(id));
  if (environment == nullptr) return std::nullopt;
  const auto& state = environment->state;
  const auto* r = state.active && state.active->id == id   ? &*state.active
                  : state.queued && state.queued->id == id ? &*state.queued
                                                           : nullptr;
  if (r == nullptr) return std::nullopt;
  Record record;
  if (const auto found = records_.find(id); found != records_.end()) record = found->second;
  if (const auto* running = pipeline(id)) record.stages = running->stages;
  record.rollout = *r;
  return record;
}

const pipeline::State* Engine::pipeline(const RolloutId& id) const {
  const auto found = pipelines_.find(id);
  return found == pipelines_.end() ? nullptr : &found->second;
}

}  // namespace ecluse::control
