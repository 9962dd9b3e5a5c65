#pragma once
// One epoll loop: accepts from its shards of the listening sockets, carries exchanges, and follows
// the newest route table. All its connections belong to its thread; others reach it by mail only.

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/locked.h"
#include "base/prng.h"
#include "base/result.h"
#include "gateway/access_log.h"
#include "gateway/address_ledger.h"
#include "gateway/block_pool.h"
#include "gateway/bounds.h"
#include "gateway/connection.h"
#include "gateway/outcome_bell.h"
#include "gateway/override_token.h"
#include "gateway/page.h"
#include "gateway/pipe.h"
#include "gateway/route_table.h"
#include "gateway/shared_memory.h"
#include "gateway/static_files.h"
#include "gateway/timer_wheel.h"

namespace ecluse::gateway {

/// CLOCK_MONOTONIC.
std::int64_t monotonic_us();

/// What all threads of a worker process share; it outlives them.
struct WorkerContext {
  AddressLedger* ledger = nullptr;
  Bounds bounds;
  SharedMemory* memory = nullptr;
  OutcomeBell* bell = nullptr;
  AccessLog* log = nullptr;  ///< null: nothing can be logged
  OverrideKey override_key{};
  std::size_t threads = 1;
  std::size_t first_row = 0;  ///< of counters: another worker process may serve beside us
  std::int64_t (*clock_us)() = monotonic_us;
};

class WorkerThread {
 public:
  /// Unavailable or Exhausted: the kernel gave no epoll or eventfd.
  static Result<std::unique_ptr<WorkerThread>> start(const WorkerContext& context,
                                                     std::size_t index,
                                                     std::shared_ptr<const RouteTable> table);
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;
  /// Stops at once; drain first to lose nothing.
  ~WorkerThread();

  /// Thread-safe. From the acknowledgement on, no request of this thread uses an older table.
  void swap(std::shared_ptr<const RouteTable> table, std::uint64_t generation);
  /// Waits until generation was acknowledged; false if `timeout` passed first.
  bool await_swap(std::uint64_t generation, std::chrono::milliseconds timeout);
  /// Takes one shard of a listener: a socket already listening on `port`.
  void listen(os::Fd socket, std::uint16_t port, bool is_tls);
  /// Closes our descriptors of that port's listener; the keeper's stay.
  void forget_listener(std::uint16_t port);
  void drain(std::uint32_t slot, Duration websocket_budget);
  /// Accepts no more, finishes what is in flight within the bound, then ends the thread.
  void finish();
  /// The same, because another process serves from here on: nobody is hurried. A kept connection
  /// carries one more request and hears then that it ends.
  void hand_over();
  bool finished() const { return finished_.load(); }

 private:
  friend class WorkerDriver;  ///< of tests/fuzz: takes the turns itself, no thread runs

  struct Order {
    enum class What : std::uint8_t { kSwap, kListen, kForget, kDrain, kFinish, kHandOver, kStop };
    What what = What::kStop;
    std::shared_ptr<const RouteTable> table;
    std::uint64_t generation = 0;
    std::shared_ptr<os::Fd> socket;
    std::uint16_t port = 0;
    bool is_tls = false;
    std::uint32_t slot = 0;
    Duration budget{};
  };
  using Mail = std::vector<Order>;
  /// Whether the target that failed the first attempt may be asked again.
  enum class Avoided : std::uint8_t { kNo, kYes };
  struct MailEndpoint : Endpoint {
    MailEndpoint() : Endpoint(Kind::kMail) {}
    os::Fd fd;
  };

  WorkerThread(const WorkerContext& context, std::size_t index,
               std::shared_ptr<const RouteTable> table);
  static Result<std::unique_ptr<WorkerThread>> make(const WorkerContext& context, std::size_t index,
                                                    std::shared_ptr<const RouteTable> table);
  void send(Order order);

  // The loop: worker_thread.cc
  void run();
  void turn(int sleep_ms_max);
  void end();
  void handle(const epoll_event& event);
  void look_at_idle(const epoll_event& event);
  void run_queued();
  void read_mail();
  void obey(Order& order);
  void unlisten(const std::function<bool(const Listener&)>& chosen);
  void unlisten_all();
  void accept_from(Listener& listener);
  void adopt(int fd, const sockaddr_storage& peer, const Listener& listener);
  void count_connection(Client& client);
  bool has_room_for_client();
  Client& enrol(std::unique_ptr<Client> owned);
  void refuse_without_descriptors(Listener& listener);
  void follow(std::shared_ptr<const RouteTable> table, std::uint64_t generation);
  void prune_targets();
  void start_drain(std::uint32_t slot, Duration websocket_budget);
  void start_finish();
  void start_hand_over();
  void end_tunnels_within(std::uint64_t ms);
  bool watch_client(Client& client);
  bool watch(int fd, std::uint32_t events, Endpoint& endpoint);
  void tick();
  void expire(TimerEntry& entry);
  void bury();

  // TLS: worker_tls.cc
  bool begin_tls(Client& client);
  bool run_handshake(Client& client);
  bool answer_challenge(Client& client, const http1::Request& request);
  bool is_misdirected(const Client& client, std::string_view host) const;
  bool redirects_to_https(const Client& client, const SiteRoute& site) const;
  std::uint16_t tls_port() const;

  // HTTP/2: worker_http2.cc
  bool begin_http2(Client& client);
  bool open_stream(Client& connection, http2::Stream& stream);
  bool run_http2(Client& client);
  void flush_http2();
  void close_streams(Client& client);
  void leave_http2(Client& client);
  void review_http2(Client& client);
  void finish_http2(Client& client);
  void review_hand_over(Client& client);
  static constexpr std::uint64_t kHandOverPauseMs = 500;

  // Requests and where they go: worker_requests.cc
  PumpPlan upload_of(const Client& client, const http1::Request& request);
  void advance(Client& client);
  bool step(Client& client);
  bool read_head(Client& client);
  bool begin_request(Client& client);
  void lend_exchange(Client& client);
  void take_exchange_back(Client& client);
  bool exceeds_rate(const Client& client);
  void dispatch(Client& client, const http1::Request& request);
  void dispatch_again(Client& client);
  bool answers_itself(Client& client, const http1::Request& request, const SiteRoute& site,
                      std::string_view host);
  const ArmRoute* choose_arm(Client& client, const http1::Request& request, const SiteRoute& site);
  void use_cohort(Client& client, const http1::Request& request);
  void forward(Client& client, const http1::Request& request, const SiteRoute& site,
               const ArmRoute& arm, bool may_leave_arm);
  void permit_upgrade(Client& client, const http1::Request& request, const BackendRoute& backend);
  bool try_arm(Client& client, const http1::Request& request, const SiteRoute& site,
               const ArmRoute& arm, Avoided avoided);
  Target* pick(Client& client, const http1::Request& request, const BackendRoute& backend,
               std::uint32_t slot);
  const ArmRoute* arm_of(Client& client, const http1::Request& request, const SiteRoute& site);
  bool take_retry();
  bool lacks_asset(const Client& client) const;
  void ask_other(Client& client);

  // The app's own pages: worker_pages.cc
  Page page_for(const Client& client, const SiteRoute* site, int status) const;
  bool hides_answer(const Client& client) const;
  void answer_instead(Client& client);

  // Which instance: worker_targets.cc
  Target& target_of(const TargetRoute& route, std::uint32_t slot);
  std::uint64_t rank_of(const Client& client, const TargetRoute& route, const Target& target,
                        std::uint64_t wanted, bool panics);
  bool panics(const BackendRoute& backend, std::uint32_t slot);
  bool is_slow_to_start(const Target& target);
  void note_failure(Target& target);
  void note_success(Target& target) { target.failures = target.ejections = 0; }
  void start_attempt(Client& client, const http1::Request& request, const SiteRoute& site,
                     Target& target);
  std::uint32_t bytes_to_hold(const Client& client, const http1::Request& request);
  void hold(Client& client, const http1::Request& request);
  void let_go(Client& client);
  void release_held();
  void answer(Client& client, const Page& page, std::string_view type, std::string_view body,
              std::string_view extra_fields = {});
  void answer_page(Client& client, const Page& page, std::string_view extra_fields = {});
  void answer_fault(Client& client, http1::Fault fault);
  void answer_redirect(Client& client, const http1::Request& request, const SiteRoute& site,
                       std::string_view host);
  std::string_view request_id();

  // The exchange with the app: worker_exchanges.cc
  /// None: `error` (errno) says why.
  Upstream* connection_to(Client& client, Target& target, const http1::Request& request,
                          int& error);
  Upstream* pooled(Target& target, bool is_idempotent);
  Upstream* connect_to(Target& target, int& error);
  bool check_connected(Client& client);
  bool run_exchange(Client& client);
  bool push_request(Client& client);
  bool read_answer(Client& client);
  bool take_answer(Client& client);
  bool take_interim(Client& client);
  bool push_answer(Client& client);
  void begin_answer(Client& client);
  void finish_exchange(Client& client);
  void upstream_failed(Client& client, int status);
  void abandon(Client& client);
  void retry(Client& client);
  bool may_retry(const Client& client) const;
  void bad_answer(Client& client);
  void count_start(Client& client);
  void count_failure(Client& client);
  CounterCell& cell_of(const Client& client);
  void detach(Client& client, bool keep);
  void pool_or_close(Upstream& upstream, bool keep);
  void close_upstream(Upstream& upstream);

  // What is measured and logged: worker_measures.cc
  void hit(std::uint64_t Bounds::* bound);
  void hit(Refusal refusal);
  void hit_fault(const Client& client, http1::Fault fault);
  void measure(const Client& client);
  void begin_note(Client& client, const http1::Request& request);
  void note_attempt(Client& client, const SiteRoute& site, const Target& target);
  void note_file(Client& client, const SiteRoute& site);
  void end_note(Client& client);

  // What the judge hears: worker_outcomes.cc
  void note_arrival(Client& client, const SiteRoute& site, const ArmRoute& arm);
  void settle(Client& client, ports::Outcome::State state) {
    if (client.lent && client.lent->outcome.arrival != 0) settle_outcome(client, state);
  }
  void settle_outcome(Client& client, ports::Outcome::State state);
  bool is_event_stream(const http1::Response& response) const;
  void note_broken(Client& client) {
    if (client.exchange().outcome.arrival != 0)
      settle_outcome(client, failure_of(*client.upstream->target));
  }
  ports::Outcome::State failure_of(const Target& target) const;

  // Static folders: worker_files.cc
  bool serve_file(Client& client, const http1::Request& request, const SiteRoute& site,
                  const ArmRoute& arm);
  void begin_file(Client& client, StaticFile& file, const Share& share);
  bool run_file(Client& client);
  Io copy_piece(Client& client);
  Io send_piece(Client& client);

  // WebSockets: worker_tunnels.cc
  void begin_tunnel(Client& client);
  bool run_tunnel(Client& client);
  void close_tunnel(Client& client);
  void review_tunnel(Client& client);

  // How connections end, and their deadlines: worker_deadlines.cc
  bool next_request(Client& client);
  bool run_flush(Client& client);
  bool run_linger(Client& client);
  void end_connection(Client& client);
  void close_client(Client& client, bool reset = false);
  void review(Client& client);
  void review_exchange(Client& client);
  bool body_is_too_slow(Client& client);
  void set_deadline(TimerEntry& entry, std::uint64_t ms) {
    wheel_.set(entry, now_ + static_cast<Millis>(ms));
  }

  const WorkerContext& context_;
  const Bounds& bounds_;
  const std::size_t index_;
  const std::uint64_t review_ms_;
  std::shared_ptr<const RouteTable> table_;
  std::int64_t now_us_ = 0;
  Millis now_ = 0;
  TimerWheel wheel_;
  BlockPool pool_;
  PipePool pipes_;
  std::vector<std::unique_ptr<Exchange>> spare_exchanges_;
  Prng prng_;
  os::Fd epoll_;
  os::Fd spare_;  ///< closed to accept and refuse one connection when descriptors run out
  MailEndpoint mail_endpoint_;
  Locked<Mail> mail_;
  Locked<std::uint64_t> acknowledged_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Listener>> dead_listeners_;
  std::vector<std::unique_ptr<Target>> targets_;  ///< by id
  std::vector<Client*> held_;
  std::uint64_t held_bytes_ = 0;    ///< of all of them together
  std::vector<Client*> queue_;      ///< have more to do than one turn allows
  std::vector<Client*> unflushed_;  ///< HTTP/2 connections with frames to send
  std::unique_ptr<http2::Host> http2_host_;
  std::vector<std::unique_ptr<Client>> dead_clients_;

  std::vector<std::unique_ptr<Upstream>> dead_upstreams_;
  Client clients_;  ///< head of the ring of all clients
  std::size_t client_count_ = 0;
  std::uint32_t turn_ = 0;
  std::uint64_t retry_tokens_;  ///< hundredths of a retry
  Millis ejected_until_ = 0;    ///< from then on no target of ours is ejected
  http1::Request request_;      ///< scratch: valid within one call
  http1::Response response_;    ///< scratch
  std::array<char, 32> id_text_{};
  std::int64_t date_s_ = 0;
  std::array<char, 32> date_text_{};
  bool is_finishing_ = false;
  bool is_hurried_ = false;  ///< finishing, and nobody serves in our place
  bool is_stopped_ = false;
  std::uint16_t former_tls_port_ = 0;  ///< when listeners were let go of
  Millis finish_by_ = 0;
  std::atomic<bool> finished_{false};
  std::thread thread_;

  std::string_view date();
};

}  // namespace ecluse::gateway
