#pragma once
// The decisions of the control plane, inside the worker process: fences, latches, the table that
// all threads follow, and the state that outlives us. Implements ports/traffic.h without a wire.

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "base/locked.h"
#include "gateway/certificate_store.h"
#include "gateway/certifier_child.h"
#include "gateway/listen_address.h"
#include "gateway/route_table.h"
#include "gateway/state_file.h"
#include "gateway/worker_thread.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

/// Writes the newest state to disk on its own thread, so that a slow disk delays nobody who does
/// not wait for it.
class Persister {
 public:
  explicit Persister(std::filesystem::path file);  ///< empty: nothing is written
  ~Persister();
  Persister(const Persister&) = delete;
  Persister& operator=(const Persister&) = delete;

  /// Hands over; `version` grows with each call.
  void put(std::uint64_t version, std::string text);
  /// Waits until `version` or a later one is on disk; the error of the last try otherwise.
  Result<void> await(std::uint64_t version, std::chrono::milliseconds timeout);

 private:
  struct Desk {
    std::uint64_t wanted = 0;
    std::uint64_t tried = 0;
    std::uint64_t written = 0;
    std::string text;
    Error error;
    bool ends = false;
  };
  void run();

  const std::filesystem::path file_;
  Locked<Desk> desk_;
  std::thread thread_;
};

class Control : public ports::Traffic {
 public:
  struct Setup {
    WorkerContext* context = nullptr;
    std::filesystem::path state_file;  ///< empty: only in shared memory
    CertificateStore::Setup certificates;
    /// Asks for a listener of its own; returns when it is there.
    std::function<Result<void>(std::uint16_t port)> open_port;
    std::function<void(std::uint16_t port)> close_port;
    /// Where `ask` goes when a site has no port of its own.
    std::function<Result<ListenAddress>(std::optional<std::uint16_t> port)> public_address;
  };
  /// Takes the table from shared memory, or from disk when there is none, and starts the threads
  /// with it. Invalid: the state on disk is damaged beyond use.
  static Result<std::unique_ptr<Control>> start(Setup setup);
  ~Control() override;

  Result<void> apply(const ports::Site& site, const ports::Fence& fence) override;
  Result<void> abort(const ports::Site& site, model::ReleaseNumber aborted,
                     const ports::Fence& fence) override;
  Result<std::vector<model::ReleaseNumber>> latched(const std::string& rollout) override;
  Result<void> remove(const model::EnvironmentKey& key, const ports::Fence& fence) override;
  Result<std::vector<ports::Site>> sites() override;
  Result<void> drain(const model::EnvironmentKey& key, model::ReleaseNumber release,
                     Duration websocket_budget) override;
  Result<ports::SiteCounters> counters(const model::EnvironmentKey& key) override;
  Result<Answer> ask(const model::EnvironmentKey& key, model::ReleaseNumber release,
                     const std::string& path) override;

  /// The stand-alone form: `site` answers whatever the host and port. Not kept.
  Result<void> serve_everywhere(const ports::Site& site);

  /// Blocking: what was decided is on disk, or cannot be written. Nothing may decide meanwhile.
  void settle();
  /// From here on another process decides; we route what is left by what it stores.
  void follow_another();
  /// Takes its newest table, if there is one that we do not have. Calling it often is cheap.
  void follow_newest();

  std::vector<std::unique_ptr<WorkerThread>>& threads() { return threads_; }
  /// What is served for `key`; nothing: no such site.
  std::optional<ports::Site> find(const model::EnvironmentKey& key);
  /// Ports of sites, which the keeper of a former worker may not have.
  std::vector<std::uint16_t> site_ports();

 private:
  struct Desk {
    explicit Desk(CertificateStore::Setup setup = {}) : certificates(std::move(setup)) {}
    CertificateStore certificates;
    GatewayState state;  ///< `latches` is empty here: they live in shared memory
    std::map<model::EnvironmentKey, RouteTable::Entry> entries;
    TargetIds ids;
    std::uint64_t version = 0;
    std::shared_ptr<const RouteTable> table;
    std::shared_ptr<const TlsTable> tls;  ///< null: to be made anew
    RouteTable::SitePointer everywhere;   ///< of the stand-alone form
  };

  explicit Control(Setup setup);
  Result<void> load();
  Result<RouteTable::Entry> build_entry(Desk& desk, const ports::Site& site);
  Result<std::uint64_t> decide(Desk& desk, const ports::Site& site, const ports::Fence& fence);
  Result<void> check_fence(const Desk& desk, const model::EnvironmentKey& key,
                           const ports::Fence& fence) const;
  Result<void> check_latches(const ports::Site& site, const ports::Fence& fence) const;
  Result<void> latch(const Desk& desk, const std::string& rollout, model::ReleaseNumber release);
  Result<std::uint64_t> publish(Desk& desk);
  TrialId begin_trial(const Desk& desk, const ports::Site& site);
  void rebuild_table(Desk& desk);
  Result<void> take_image(Desk& desk);
  Result<std::uint64_t> swap_in(Desk& desk);
  std::shared_ptr<const TlsTable> make_tls_table(Desk& desk);
  static bool tls_changes(const Desk& desk, const ports::Site& site);
  void stop_watching();
  void watch_certificates(const std::filesystem::path& folder);
  void look_at_certificates(Desk& desk);
  std::string image_of(const Desk& desk) const;

  Setup setup_;
  std::vector<std::unique_ptr<WorkerThread>> threads_;
  /// Up to where what another process decides is known here.
  struct Known {
    std::uint64_t image = 0;
    std::uint64_t drains = 0;
  };
  Known known_now() const;
  void follow_images();
  void follow_drains();
  Known settled_;                  ///< when we had last decided
  std::optional<Known> followed_;  ///< none: we decide
  Locked<Desk> desk_;
  Persister persister_;
  Locked<bool> ends_;
  std::thread watcher_;  ///< of certificate files, challenges and ticket keys
};

}  // namespace ecluse::gateway
