#pragma once
// The keeper: the process that people start and signal. It holds the listening sockets, the shared
// memory and the lock, and sees to it that a worker process serves. SIGUSR2 replaces the worker by
// the program that is on disk now, and then the keeper itself; its pid stays.

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "base/result.h"
#include "gateway/channel.h"
#include "gateway/keeper_state.h"

namespace ecluse::gateway {

/// Runs until SIGTERM or SIGINT; the exit code.
Result<int> run_keeper(const GatewayOptions& options);

class Keeper {
 public:
  /// Opens everything; nothing serves yet.
  static Result<Keeper> start(const GatewayOptions& options);
  /// Goes on where another one left off, in this very process.
  static Result<Keeper> resume(int state_fd);
  int run();
  const GatewayOptions& options() const { return state_.options; }

 private:
  using Clock = std::chrono::steady_clock;
  /// Of a hand-over: what is waited for.
  enum class Stage : std::uint8_t { kNone, kPrepared, kQuiet, kReady };

  // keeper.cc
  Result<void> block_signals();
  Result<void> open_control_socket();
  Result<void> open_listeners();
  Result<void> open_listener(const std::string& text, bool is_tls);
  Result<void> spawn(const os::Fd& program, unsigned threads, WorkerSeat& seat);
  Result<void> equip(const WorkerSeat& seat, unsigned threads, std::vector<Rows> busy);
  Result<void> let_serve(const WorkerSeat& seat);
  Result<void> give_listener(const WorkerSeat& seat, const OpenListener& listener);
  void respawn_if_due();
  void wait_for_events();
  void handle_signals();
  void handle_signal(std::uint32_t number);
  void reap();
  void current_died(int status);
  void hear(WorkerSeat& seat);
  void obey(WorkerSeat& seat, const Message& message);
  void tell(const WorkerSeat& seat, const Message& message);
  void open_port(const WorkerSeat& seat, std::uint16_t port);
  void close_port(std::uint16_t port);
  void announce();
  void finish();
  int poll_timeout_ms() const;
  std::vector<Rows> busy_rows() const;

  // keeper_hand_over.cc
  void begin_hand_over(unsigned threads);
  Result<void> try_hand_over(unsigned threads);
  void next_is_prepared(const Message& message);
  void let_next_serve();
  void complete_hand_over();
  void abandon_hand_over(const std::string& why);
  void become_newer();

  KeeperState state_;
  os::Fd signals_;
  os::Fd program_;       ///< what the current worker runs
  os::Fd next_program_;  ///< what the next one runs
  WorkerSeat next_;
  Stage stage_ = Stage::kNone;
  Clock::time_point hand_over_by_;
  unsigned next_threads_ = 0;
  bool keeper_follows_ = false;  ///< the next program can take this process over too
  Clock::time_point respawn_at_;
  int quick_deaths_ = 0;
  int exit_code_ = 0;
  bool is_announced_ = false;
  bool is_finishing_ = false;
};

}  // namespace ecluse::gateway
