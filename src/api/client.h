#pragma once
// The API's client: the same Operations, spoken over the daemon's socket. The command line works on
// Operations alone, so its tests need no daemon.

#include <atomic>
#include <filesystem>
#include <string>

#include "api/wire.h"
#include "control/operations.h"

namespace ecluse::api {

struct ClientOptions {
  std::filesystem::path socket;
  std::string url;                             ///< instead of `socket`: "http://127.0.0.1:7070"
  std::string token;                           ///< with `url`
  Duration timeout = std::chrono::minutes(2);  ///< of one call that is no stream
};

/// Thread-safe: each call is a connection of its own. The daemon names the actor by who we are, so
/// Act::actor and DeployRequest::actor are not sent. A release comes without its specification.
class Client final : public control::Operations {
 public:
  explicit Client(ClientOptions options);

  /// The last failing call failed because no daemon answers.
  bool daemon_is_away() const { return away_; }
  Result<Pong> ping();

  Result<control::Ticket> deploy(const control::DeployRequest& request) override;
  Result<control::Ticket> promote(const control::Act& act,
                                  const std::string& confirmation) override;
  Result<void> approve(const control::Act& act, const control::RolloutId& rollout,
                       const std::string& confirmation) override;
  Result<control::Ticket> rollback(const control::Act& act,
                                   std::optional<model::ReleaseNumber> to) override;
  Result<control::RollbackCheck> rollback_check(const control::Act& act,
                                                std::optional<model::ReleaseNumber> to) override;
  Result<void> abort(const control::Act& act) override;
  Result<void> pause(const control::Act& act) override;
  Result<void> resume(const control::Act& act) override;
  Result<void> promote_now(const control::Act& act) override;
  Result<control::Ticket> restart(const control::Act& act) override;
  Result<control::Ticket> stop(const control::Act& act) override;
  Result<control::Ticket> start(const control::Act& act) override;
  Result<control::Ticket> scale(const control::Act& act,
                                const std::map<std::string, int>& instances) override;
  Result<void> maintenance(const control::Act& act, bool on) override;
  Result<void> remove(const control::Act& act, bool delete_data) override;
  Result<std::vector<control::EnvironmentView>> status(const std::string& app) override;
  Result<control::EnvironmentView> environment(const model::EnvironmentKey& key) override;
  Result<control::RolloutView> rollout(const control::RolloutId& id) override;
  Result<std::string> metrics(metrics::Form form) override;
  Result<std::string> trial(const control::RolloutId& id) override;
  Result<std::vector<control::RolloutView>> rollouts(const model::EnvironmentKey& key,
                                                     std::size_t limit) override;
  Result<std::vector<control::ReleaseView>> releases(const model::EnvironmentKey& key) override;
  Result<std::vector<ports::StoredEvent>> events(const ports::EventQuery& query) override;
  Result<std::vector<ports::StoredEvent>> await_events(const ports::EventQuery& query,
                                                       Duration timeout) override;
  Result<ports::LogChunk> stage_log(const control::RolloutId& id, const std::string& stage,
                                    std::uint64_t from_offset, Duration wait) override;
  Result<ports::LogChunk> logs(const std::string& instance, const ports::LogQuery& query) override;
  Result<int> run(const control::Act& act, const std::vector<std::string>& argv,
                  const ports::LineSink& sink, const std::stop_token& stop) override;
  Result<ports::MoveReport> move_database(const control::Act& act, const ports::MoveOrder& order,
                                          const ports::LineSink& sink,
                                          const std::stop_token& stop) override;
  Result<std::vector<control::EnvEntry>> env(const model::EnvironmentKey& key) override;
  Result<std::uint32_t> secret_set(const control::Act& act, const std::string& name,
                                   std::string_view value) override;
  Result<void> secret_remove(const control::Act& act, const std::string& name) override;
  Result<std::vector<ports::SecretInfo>> secrets(const model::EnvironmentKey& key) override;
  Result<std::uint64_t> reclaim(const std::string& actor, bool dry_run) override;

 private:
  struct Exchange {
    std::string method = "GET";
    std::string path;
    std::string body;
    std::string accept = {};  ///< empty: anything
    Duration timeout{};
    const ports::LineSink* lines = nullptr;  ///< given: the answer's lines go there as they come
  };
  Result<std::string> exchange(const Exchange& exchange);
  template <typename T>
  Result<T> ask(Exchange exchange);
  /// Hands each line of a streamed answer to `take`; the error that one of them is ends it.
  template <typename Line>
  Result<void> stream(const control::Act& act, const char* verb, const std::string& body,
                      const std::function<void(Line)>& take);
  template <typename Body>
  Result<control::Ticket> request(const control::Act& act, const char* verb, const Body& body);
  template <typename Body>
  Result<void> order(const control::Act& act, const char* verb, const Body& body);

  ClientOptions options_;
  std::atomic<bool> away_ = false;
};

}  // namespace ecluse::api
