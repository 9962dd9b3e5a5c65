#pragma once
// An in-memory twin of control::Operations for the tests of the API and the command line. It
// remembers what it was asked, and answers from what the test put in.

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/locked.h"
#include "control/operations.h"

namespace ecluse::api {

class FakeOperations final : public control::Operations {
 public:
  struct State {
    std::vector<std::string> calls;  ///< "promote lettings/prod by root (uid 0): why [DEPLOY]"
    std::map<std::string, control::EnvironmentView> environments;
    std::map<std::string, std::string> trials;                          ///< by rollout: JSON text
    std::map<std::string, std::vector<control::RolloutView>> rollouts;  ///< shown one after another
    std::vector<control::ReleaseView> releases;
    std::vector<ports::StoredEvent> events;
    std::vector<control::EnvEntry> env;
    std::vector<ports::SecretInfo> secrets;
    std::vector<std::string> run_lines;
    int run_exit_code = 0;
    bool deploy_throws = false;
    bool run_is_endless = false;  ///< run() ends only when it is stopped, and says so in `calls`
    control::RollbackCheck check;
    std::string metrics;
    ports::MoveReport move;
    control::Ticket ticket;
    std::map<std::string, std::string> logs;  ///< instance, or "ROLLOUT STAGE", to text
    bool events_come_later = true;            ///< false: await_events() waits for none
    std::optional<Error> refuse;              ///< every call fails with it
  };
  Locked<State> state;

  Result<control::Ticket> deploy(const control::DeployRequest& r) override {
    if (state.with([](auto& s) { return s.deploy_throws; })) throw std::out_of_range("a text");
    return ticket(fmt("deploy " + r.repository + " " + r.ref + " to " + r.environment, r.actor,
                      r.skip_checks_reason));
  }
  Result<control::Ticket> promote(const control::Act& act, const std::string& word) override {
    return ticket(asked("promote", act) + " [" + word + "]");
  }
  Result<void> approve(const control::Act& act, const control::RolloutId& id,
                       const std::string& word) override {
    return done(asked("approve " + id, act) + " [" + word + "]");
  }
  Result<control::Ticket> rollback(const control::Act& act,
                                   std::optional<model::ReleaseNumber> to) override {
    return ticket(asked("rollback", act) + " to " + (to ? std::to_string(*to) : "previous"));
  }
  Result<control::RollbackCheck> rollback_check(const control::Act& act,
                                                std::optional<model::ReleaseNumber>) override {
    return answer(asked("rollback_check", act), [](State& s) { return s.check; });
  }
  Result<void> abort(const control::Act& act) override { return done(asked("abort", act)); }
  Result<void> pause(const control::Act& act) override { return done(asked("pause", act)); }
  Result<void> resume(const control::Act& act) override { return done(asked("resume", act)); }
  Result<void> promote_now(const control::Act& act) override {
    return done(asked("promote_now", act));
  }
  Result<control::Ticket> restart(const control::Act& act) override {
    return ticket(asked("restart", act));
  }
  Result<control::Ticket> stop(const control::Act& act) override {
    return ticket(asked("stop", act));
  }
  Result<control::Ticket> start(const control::Act& act) override {
    return ticket(asked("start", act));
  }
  Result<control::Ticket> scale(const control::Act& act,
                                const std::map<std::string, int>& instances) override {
    std::string text = asked("scale", act);
    for (const auto& [process, count] : instances)
      text += " " + process + "=" + std::to_string(count);
    return ticket(text);
  }
  Result<void> maintenance(const control::Act& act, bool on) override {
    return done(asked("maintenance", act) + (on ? " on" : " off"));
  }
  Result<void> remove(const control::Act& act, bool delete_data) override {
    return done(asked("remove", act) + (delete_data ? " with data" : ""));
  }
  Result<std::vector<control::EnvironmentView>> status(const std::string& app) override {
    return answer("status " + app, [&](State& s) {
      std::vector<control::EnvironmentView> views;
      for (const auto& [name, view] : s.environments) {
        if (app.empty() || view.key.app == app) views.push_back(view);
      }
      return views;
    });
  }
  Result<control::EnvironmentView> environment(const model::EnvironmentKey& key) override {
    const auto name = to_string(key);
    return found("environment " + name, [&](State& s) -> std::optional<control::EnvironmentView> {
      if (!s.environments.contains(name)) return std::nullopt;
      return s.environments[name];
    });
  }
  Result<std::string> metrics(metrics::Form form) override {
    return answer(form == metrics::Form::kOpenMetrics ? "metrics as OpenMetrics" : "metrics",
                  [](State& s) { return s.metrics; });
  }
  Result<control::RolloutView> rollout(const control::RolloutId& id) override {
    return found("rollout " + id, [&](State& s) -> std::optional<control::RolloutView> {
      auto& views = s.rollouts[id];
      if (views.empty()) return std::nullopt;
      const auto view = views.front();
      if (views.size() > 1) views.erase(views.begin());
      return view;
    });
  }
  Result<std::string> trial(const control::RolloutId& id) override {
    return found("trial " + id, [&](State& s) -> std::optional<std::string> {
      if (!s.trials.contains(id)) return std::nullopt;
      return s.trials[id];
    });
  }
  Result<std::vector<control::RolloutView>> rollouts(const model::EnvironmentKey& key,
                                                     std::size_t limit) override {
    return answer("rollouts " + to_string(key), [&](State& s) {
      std::vector<control::RolloutView> all;
      for (const auto& [id, views] : s.rollouts) {
        if (!views.empty() && all.size() < limit) all.push_back(views.back());
      }
      return all;
    });
  }
  Result<std::vector<control::ReleaseView>> releases(const model::EnvironmentKey& key) override {
    return answer("releases " + to_string(key), [](State& s) { return s.releases; });
  }
  Result<std::vector<ports::StoredEvent>> events(const ports::EventQuery& query) override {
    return answer("events", [&](State& s) { return matching(s, query); });
  }
  Result<std::vector<ports::StoredEvent>> await_events(const ports::EventQuery& query,
                                                       Duration timeout) override {
    state.with([](State& s) { s.calls.push_back("await_events"); });
    return state.when(
        timeout,
        [&](const State& s) {
          return s.refuse || !s.events_come_later || !matching(s, query).empty();
        },
        [&](State& s) -> Result<std::vector<ports::StoredEvent>> {
          if (s.refuse) return fail(*s.refuse);
          return matching(s, query);
        });
  }
  Result<ports::LogChunk> stage_log(const control::RolloutId& id, const std::string& stage,
                                    std::uint64_t from_offset, Duration) override {
    return log(id + " " + stage, from_offset);
  }
  Result<ports::LogChunk> logs(const std::string& instance, const ports::LogQuery& query) override {
    return log(instance, query.from_offset);
  }
  Result<int> run(const control::Act& act, const std::vector<std::string>& argv,
                  const ports::LineSink& sink, const std::stop_token& stop) override {
    std::string text = asked("run", act);
    for (const auto& argument : argv) text += " '" + argument + "'";
    auto ran = answer(text, [](State& s) { return std::pair(s.run_lines, s.run_exit_code); });
    if (!ran) return fail(ran.error());
    for (const auto& line : ran->first) sink(line);
    if (!state.with([](const State& s) { return s.run_is_endless; })) return ran->second;
    Locked<bool> stopped;
    const std::stop_callback told(stop, [&] { stopped.change([](bool& yes) { yes = true; }); });
    const auto is_stopped = [](bool yes) { return yes; };
    stopped.when(std::chrono::minutes(1), is_stopped, is_stopped);
    return answer("run is stopped", [](State&) { return 143; });
  }
  Result<ports::MoveReport> move_database(const control::Act& act, const ports::MoveOrder& order,
                                          const ports::LineSink& sink,
                                          const std::stop_token&) override {
    auto text = asked("move_database", act) + " from " + order.source;
    for (const auto& [said, word] : {std::pair(order.dry_run, " dry_run"),
                                     {order.replace, " replace"},
                                     {order.drop_nul, " drop_nul"}})
      if (said) text += word;
    for (const auto& left : order.without) text += " without " + left;
    auto moved = answer(text, [](State& s) { return s.move; });
    if (moved)
      for (const auto& table : moved->tables) sink(table.table);
    return moved;
  }
  Result<std::vector<control::EnvEntry>> env(const model::EnvironmentKey& key) override {
    return answer("env " + to_string(key), [](State& s) { return s.env; });
  }
  Result<std::uint32_t> secret_set(const control::Act& act, const std::string& name,
                                   std::string_view value) override {
    return answer(
        asked("secret_set " + name + " (" + std::to_string(value.size()) + " bytes)", act),
        [](State&) -> std::uint32_t { return 3; });
  }
  Result<void> secret_remove(const control::Act& act, const std::string& name) override {
    return done(asked("secret_remove " + name, act));
  }
  Result<std::vector<ports::SecretInfo>> secrets(const model::EnvironmentKey& key) override {
    return answer("secrets " + to_string(key), [](State& s) { return s.secrets; });
  }
  Result<std::uint64_t> reclaim(const std::string& actor, bool dry_run) override {
    return answer(std::string("reclaim by ") + actor + (dry_run ? " dry" : ""),
                  [](State&) -> std::uint64_t { return 5'000'000; });
  }

 private:
  static std::string fmt(const std::string& what, const std::string& actor,
                         const std::string& reason) {
    return what + " by " + actor + (reason.empty() ? "" : ": " + reason);
  }
  static std::string asked(const std::string& what, const control::Act& act) {
    return fmt(what + " " + to_string(act.environment), act.actor, act.reason);
  }
  static std::vector<ports::StoredEvent> matching(const State& s, const ports::EventQuery& query) {
    std::vector<ports::StoredEvent> events;
    for (const auto& event : s.events) {
      const bool fits = event.sequence > query.after &&
                        event.subject.starts_with(query.subject_prefix) &&
                        event.kind.starts_with(query.kind_prefix);
      if (fits && events.size() < query.limit) events.push_back(event);
    }
    return events;
  }
  template <typename F>
  auto answer(const std::string& call, F&& f) -> Result<decltype(f(std::declval<State&>()))> {
    return state.with([&](State& s) -> Result<decltype(f(s))> {
      s.calls.push_back(call);
      if (s.refuse) return fail(*s.refuse);
      return f(s);
    });
  }
  template <typename F>
  auto found(const std::string& call, F&& f)
      -> Result<typename decltype(f(std::declval<State&>()))::value_type> {
    auto result = answer(call, f);
    if (!result) return fail(result.error());
    if (!*result) return fail(ErrorKind::kNotFound, "there is no " + call, "it lists what exists");
    return **result;
  }
  Result<control::Ticket> ticket(const std::string& call) {
    return answer(call, [](State& s) { return s.ticket; });
  }
  Result<void> done(const std::string& call) {
    auto result = answer(call, [](State&) { return 0; });
    if (!result) return fail(result.error());
    return {};
  }
  Result<ports::LogChunk> log(const std::string& key, std::uint64_t from) {
    return found("log " + key, [&](State& s) -> std::optional<ports::LogChunk> {
      if (!s.logs.contains(key)) return std::nullopt;
      const auto& text = s.logs[key];
      const auto at = std::min<std::uint64_t>(from, text.size());
      return ports::LogChunk{text.substr(at), text.size()};
    });
  }
};

}  // namespace ecluse::api
