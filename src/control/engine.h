#pragma once
// The control plane without its thread: event -> step -> one transaction -> effects -> completions.
// Everything here is called by one thread (control/loop.h in production, the simulator otherwise)
// and nothing blocks.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/executor.h"
#include "control/journal.h"
#include "control/judging.h"
#include "control/operations.h"
#include "control/perform.h"
#include "control/ports.h"
#include "pipeline/step.h"
#include "rollout/event.h"
#include "rollout/step.h"

namespace ecluse::control {

template <typename T>
using Reply = std::function<void(Result<T>)>;

/// A rollout with what its machine does not need to know; filed under "rollout/APP/ENV/NUMBER".
struct Record {
  rollout::Rollout rollout;
  model::Commit commit;
  std::vector<pipeline::Stage> stages;  ///< of its pipeline
  WallTime began;
  TimePoint began_at;
  std::optional<WallTime> ended;
};

class Engine {
 public:
  /// All references outlive it. `settings` is copied.
  Engine(const Ports& ports, Settings settings, Executor& executor);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Reads everything, raises the term (one commit, waited for), resumes. Blocking; call once,
  /// first. Internal: what is stored cannot be read; nothing is changed then.
  Result<void> open();

  /// Starts a rollout. `pipeline` absent: none is needed. The reply comes when it is durable; for a
  /// warm rollback, when the swap is acknowledged.
  void request(const model::EnvironmentKey& key, rollout::Requested request,
               std::optional<pipeline::State> pipeline, Reply<Ticket> reply);
  /// An operator's wish about what is there. The reply comes when it is durable; for an abort, when
  /// the gateway acknowledged that the release has no weight.
  void command(const model::EnvironmentKey& key, const rollout::Event& event,
               const std::string& actor, Reply<void> reply);
  /// Notes something in the audit log.
  void note(ports::StoredEvent event);
  void put(const std::string& key, std::string value);
  void remove_environment(const model::EnvironmentKey& key, Reply<void> reply);

  void on_instance(const ports::InstanceEvent& event);
  void on_probe(const ports::ProbeEvent& event);
  void tick();
  std::optional<TimePoint> deadline() const;

  struct Environment {
    rollout::State state;
    std::map<model::ReleaseNumber, std::shared_ptr<const model::Release>> releases;
  };
  const Environment* find(const model::EnvironmentKey& key) const;
  std::vector<const Environment*> environments() const;
  /// Running or waiting; ended ones are in the store.
  std::optional<Record> live_record(const RolloutId& id) const;
  const pipeline::State* pipeline(const RolloutId& id) const;
  /// Of a rollout on trial now; those that are over are in the store (trial_store_key()).
  const Trial* trial(const RolloutId& id) const { return judging_.trial(id); }
  const Journal& journal() const { return journal_; }
  std::uint64_t term() const { return term_; }
  /// Rollouts that ended since open(), by how.
  using Endings = std::map<rollout::Outcome, std::uint64_t>;
  const std::map<model::EnvironmentKey, Endings>& endings() const { return endings_; }
  /// Called after every durable batch.
  void on_durable(std::function<void()> told) { told_ = std::move(told); }
  /// Called with every step, before it is written: the simulator checks invariants here.
  using Witness = std::function<void(const rollout::State& before, const rollout::Step& step)>;
  void set_witness(Witness witness) { witness_ = std::move(witness); }

 private:
  struct Room : Environment {
    std::map<std::string, ports::ProbeTarget> watched;
    std::map<std::string, Reply<Ticket>> swaps;  ///< by rollout: replies that wait for the swap
  };
  struct Change {
    std::string actor;
    std::function<void(const rollout::State& next, ports::Batch& batch)> also;
    std::vector<std::function<void()>> after;
  };

  Room& room(const model::EnvironmentKey& key);
  void apply(Room& room, const rollout::Event& event, Change change = {});
  /// What of an answer the release keeps.
  Change kept_with(Room& room, const rollout::Ack& ack);
  /// Takes over what an earlier release of the same artifact was found to be; true: none was.
  bool is_to_be_examined(const Room& room, rollout::Kind kind, model::Release& draft) const;
  void start_effects(Room& room, const std::vector<rollout::Effect>& effects,
                     std::vector<std::function<void()>>& after);
  void start_effect(const model::EnvironmentKey& key, const rollout::Effect& effect);
  Order order_of(const Room& room, const rollout::Effect& effect) const;
  void file_ended(Room& room, rollout::State& next, ports::Batch& batch);
  void reply_to_swaps(Room& room);
  void watch(Room& room);
  void confirm_readiness();

  void attend_trial(const Room& room);
  void judged(const model::EnvironmentKey& key, const rollout::Judged& ruling,
              const std::map<std::string, std::string>& trial);
  void keep(const std::map<std::string, std::string>& trial);

  void apply_pipeline(const RolloutId& id, const pipeline::Event& event, const SealFacts& facts,
                      ports::Batch batch, std::vector<std::function<void()>> after);
  void start_pipeline_effect(const RolloutId& id, const pipeline::Effect& effect);
  void pipeline_done(pipeline::State state, const SealFacts& facts);
  void pipeline_failed(const pipeline::State& state);

  Result<void> load();
  Result<void> load_environment(const std::string& text);

  const Ports& ports_;
  std::shared_ptr<const Settings> settings_;
  Executor& executor_;
  Journal journal_;
  Judging judging_;
  std::uint64_t term_ = 0;
  std::map<model::EnvironmentKey, Room> rooms_;
  std::map<model::EnvironmentKey, rollout::State> forgotten_;  ///< removed ones: their counters
  std::map<RolloutId, pipeline::State> pipelines_;
  std::map<RolloutId, Record> records_;           ///< of what runs or waits
  std::map<std::string, TimePoint> unconfirmed_;  ///< ready as stored; the prober has yet to say so
  std::map<model::EnvironmentKey, Endings> endings_;
  std::function<void()> told_;
  Witness witness_;
};

std::string to_text(const Record& record);
Result<Record> record_from_text(std::string_view text);
std::string environment_store_key(const model::EnvironmentKey& key);
std::string release_store_key(const model::ReleaseKey& key);
std::string rollout_store_key(const RolloutId& id);
std::string pipeline_store_key(const RolloutId& id);
/// The 12 of "shop/prod@12"; 0 when it has none.
std::uint64_t number_of(const RolloutId& id);
/// The rollout of the same environment so many numbers before; nothing when that is before the
/// first.
std::optional<RolloutId> older_by(std::uint64_t count, const RolloutId& id);
/// Why there is no `what` of `id` when the newest `kept` are kept: it was let go (with a hint where
/// to look), or there never was one.
Error not_kept(const RolloutId& id, std::string_view what, std::uint64_t next_number,
               std::uint64_t kept);
/// Whose rollout it is; an empty key when the id is none.
model::EnvironmentKey environment_of(const RolloutId& id);

}  // namespace ecluse::control
