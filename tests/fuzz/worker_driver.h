#pragma once
// A worker thread whose turns are taken by hand, on a clock that moves when it is told to.

#include <memory>
#include <utility>

#include "gateway/outcome_bell.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

class WorkerDriver {
 public:
  WorkerDriver(const WorkerContext& context, std::shared_ptr<const RouteTable> table)
      : thread_(std::move(*WorkerThread::make(context, 0, std::move(table)))) {
    thread_->prng_ = Prng(1);  // the same input, the same way
  }
  ~WorkerDriver() { end(); }
  WorkerDriver(const WorkerDriver&) = delete;
  WorkerDriver& operator=(const WorkerDriver&) = delete;

  WorkerThread& thread() { return *thread_; }
  void turn() {
    if (!thread_->is_stopped_) return thread_->turn(0);
    end();
  }
  bool has_more_to_do() const { return !thread_->queue_.empty() || !thread_->unflushed_.empty(); }
  void end() {
    if (!std::exchange(has_ended_, true)) thread_->end();
  }
  /// Carries a connection that speaks HTTP/2 from its first byte: what comes after the handshake.
  void carry_http2(os::Fd fd) {
    if (thread_->is_stopped_) return;
    auto client = std::make_unique<Client>();
    client->socket.fd = std::move(fd);
    client->is_secure = true;
    client->socket.readable = client->socket.writable = true;
    Client& enrolled = thread_->enrol(std::move(client));
    if (thread_->begin_http2(enrolled)) thread_->advance(enrolled);
  }

  std::size_t clients() const { return thread_->client_count_; }
  /// All that requests and connections take and give back.
  bool holds_nothing() const {
    for (const auto& target : thread_->targets_) {
      if (target && (target->in_flight != 0 || !target->idle.empty())) return false;
    }
    return clients() == 0 && thread_->held_.empty() && thread_->held_bytes_ == 0 &&
           thread_->pool_.lent() == 0 && thread_->pipes_.lent() == 0;
  }

 private:
  std::unique_ptr<WorkerThread> thread_;
  bool has_ended_ = false;
};

}  // namespace ecluse::gateway
