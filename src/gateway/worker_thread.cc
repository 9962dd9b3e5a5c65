#include "gateway/worker_thread.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <span>

#include "base/log.h"
#include "gateway/goodbye.h"
#include "os/fd.h"

namespace ecluse::gateway {

std::int64_t monotonic_us() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);  // cannot fail with this clock
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

namespace {
std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  // Request ids need no secrecy: if the kernel gave less than asked, the clock would do as well.
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed)
    seed = static_cast<std::uint64_t>(monotonic_us());
  return seed;
}

/// How often a long exchange is looked at: finer than the shortest bound it must keep.
std::uint64_t review_interval(const Bounds& bounds) {
  const std::uint64_t shortest =
      std::min({bounds.answer_ms_max, bounds.stall_ms_max, bounds.body_rate_window_ms});
  return std::clamp<std::uint64_t>(shortest / 4, 16, 1000);
}
}  // namespace

Result<std::unique_ptr<WorkerThread>> WorkerThread::start(const WorkerContext& context,
                                                          std::size_t index,
                                                          std::shared_ptr<const RouteTable> table) {
  auto thread = make(context, index, std::move(table));
  if (!thread) return thread;
  (*thread)->thread_ = std::thread([raw = thread->get()] { raw->run(); });
  // Best effort: for those who look at threads with top or perf.
  (void)::pthread_setname_np((*thread)->thread_.native_handle(),
                             fmt::format("worker-{}", index).c_str());
  return thread;
}

Result<std::unique_ptr<WorkerThread>> WorkerThread::make(const WorkerContext& context,
                                                         std::size_t index,
                                                         std::shared_ptr<const RouteTable> table) {
  std::unique_ptr<WorkerThread> thread(new WorkerThread(context, index, std::move(table)));
  thread->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!thread->epoll_) return fail(from_errno(errno, "epoll_create1"));
  thread->mail_endpoint_.fd.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!thread->mail_endpoint_.fd) return fail(from_errno(errno, "eventfd"));
  thread->spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!thread->watch(thread->mail_endpoint_.fd.get(), EPOLLIN, thread->mail_endpoint_)) {
    return fail(from_errno(errno, "epoll_ctl"));
  }
  return thread;
}

WorkerThread::WorkerThread(const WorkerContext& context, std::size_t index,
                           std::shared_ptr<const RouteTable> table)
    : context_(context),
      bounds_(context.bounds),
      index_(index),
      review_ms_(review_interval(context.bounds)),
      table_(std::move(table)),
      now_us_(context.clock_us()),
      now_(now_us_ / 1000),
      wheel_(now_),
      prng_(random_seed()),
      retry_tokens_(context.bounds.retry_burst_max * 100) {
  clients_.next = clients_.previous = &clients_;
  context_.memory->measures().use(index_);
}

WorkerThread::~WorkerThread() {
  if (thread_.joinable()) {
    send({.what = Order::What::kStop});
    thread_.join();
  }
}

void WorkerThread::send(Order order) {
  mail_.with([&](Mail& mail) { mail.push_back(std::move(order)); });
  const std::uint64_t one = 1;
  // An eventfd refuses only when it is full, and then the thread is woken already.
  (void)!::write(mail_endpoint_.fd.get(), &one, sizeof one);
}

void WorkerThread::swap(std::shared_ptr<const RouteTable> table, std::uint64_t generation) {
  send({.what = Order::What::kSwap, .table = std::move(table), .generation = generation});
}

bool WorkerThread::await_swap(std::uint64_t generation, std::chrono::milliseconds timeout) {
  const auto reached = [&](std::uint64_t known) { return known >= generation; };
  return acknowledged_.when(timeout, reached, reached);
}

void WorkerThread::listen(os::Fd socket, std::uint16_t port, bool is_tls) {
  send({.what = Order::What::kListen,
        .socket = std::make_shared<os::Fd>(std::move(socket)),
        .port = port,
        .is_tls = is_tls});
}

void WorkerThread::forget_listener(std::uint16_t port) {
  send({.what = Order::What::kForget, .port = port});
}

void WorkerThread::drain(std::uint32_t slot, Duration websocket_budget) {
  send({.what = Order::What::kDrain, .slot = slot, .budget = websocket_budget});
}

void WorkerThread::finish() {
  send({.what = Order::What::kFinish});
}

void WorkerThread::hand_over() {
  send({.what = Order::What::kHandOver});
}

bool WorkerThread::watch(int fd, std::uint32_t events, Endpoint& endpoint) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &endpoint;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void WorkerThread::run() {
  while (!is_stopped_) turn(queue_.empty() && unflushed_.empty() ? wheel_.sleep_ms(now_) : 0);
  end();
}

void WorkerThread::turn(int sleep_ms_max) {
  constexpr int kEventsMax = 256;
  std::array<epoll_event, kEventsMax> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, sleep_ms_max);
  now_us_ = context_.clock_us();
  now_ = now_us_ / 1000;
  const std::span<const epoll_event> known(events.data(),
                                           static_cast<std::size_t>(std::max(count, 0)));
  // Idle connections to apps first: one that spoke without being asked must not be used below.
  for (const epoll_event& event : known) look_at_idle(event);
  for (const epoll_event& event : known) handle(event);
  run_queued();
  flush_http2();
  tick();
  bury();
  if (is_finishing_ && (client_count_ == 0 || now_ >= finish_by_)) is_stopped_ = true;
  if (is_stopped_ && client_count_ > 0) {
    hit(is_hurried_ ? &Bounds::drain_ms_max : &Bounds::hand_over_ms_max);
  }
}

void WorkerThread::end() {
  while (clients_.next != &clients_) close_client(*clients_.next);
  for (const auto& target : targets_) {
    while (target && !target->idle.empty()) close_upstream(*target->idle.back());
  }
  bury();
  listeners_.clear();
  // Nobody needs to wait for us: no request of ours uses an older table, or any.
  acknowledged_.change([](std::uint64_t& known) { known = ~std::uint64_t{0}; });
  finished_.store(true);
}

void WorkerThread::handle(const epoll_event& event) {
  auto& endpoint = *static_cast<Endpoint*>(event.data.ptr);
  switch (endpoint.kind) {
    case Endpoint::Kind::kMail:
      return read_mail();
    case Endpoint::Kind::kListener:
      return accept_from(static_cast<Listener&>(endpoint));
    case Endpoint::Kind::kClient: {
      auto& client = static_cast<Client&>(endpoint);
      client.socket.note_events(event.events);
      if (client.phase != Phase::kClosed) advance(client);
      return;
    }
    case Endpoint::Kind::kUpstream: {
      auto& upstream = static_cast<Upstream&>(endpoint);
      upstream.socket.note_events(event.events);
      if (upstream.client != nullptr) advance(*upstream.client);
      return;
    }
  }
}

/// Nothing may come from an idle one: it was closed, or it speaks without being asked.
void WorkerThread::look_at_idle(const epoll_event& event) {
  auto& endpoint = *static_cast<Endpoint*>(event.data.ptr);
  if (endpoint.kind != Endpoint::Kind::kUpstream) return;
  auto& upstream = static_cast<Upstream&>(endpoint);
  if (upstream.client != nullptr || !upstream.socket.fd) return;
  upstream.socket.note_events(event.events);
  if (upstream.socket.readable) close_upstream(upstream);
}

void WorkerThread::run_queued() {
  std::vector<Client*> queue;
  queue.swap(queue_);
  for (Client* const client : queue) {
    client->is_queued = false;
    if (client->phase != Phase::kClosed) advance(*client);
  }
}

void WorkerThread::read_mail() {
  std::uint64_t count = 0;
  (void)!::read(mail_endpoint_.fd.get(), &count, sizeof count);  // only resets the eventfd
  Mail mail;
  mail_.with([&](Mail& waiting) { mail.swap(waiting); });
  for (Order& order : mail) obey(order);
}

void WorkerThread::obey(Order& order) {
  switch (order.what) {
    case Order::What::kSwap:
      return follow(std::move(order.table), order.generation);
    case Order::What::kListen: {
      auto listener = std::make_unique<Listener>();
      listener->fd = std::move(*order.socket);
      listener->port = order.port;
      listener->is_tls = order.is_tls;
      if (is_finishing_) return;
      if (!watch(listener->fd.get(), EPOLLIN, *listener)) {
        log_error("gateway: port {} cannot be watched: {}", order.port, std::strerror(errno));
        return;
      }
      listeners_.push_back(std::move(listener));
      return;
    }
    case Order::What::kForget:
      return unlisten([&](const Listener& l) { return l.port == order.port; });
    case Order::What::kDrain:
      return start_drain(order.slot, order.budget);
    case Order::What::kFinish:
      return start_finish();
    case Order::What::kHandOver:
      return start_hand_over();
    case Order::What::kStop:
      is_stopped_ = true;
      return;
  }
}

/// The keeper holds the same sockets, so closing ours does not take them out of epoll; and events
/// of this turn may still point at them.
void WorkerThread::unlisten(const std::function<bool(const Listener&)>& chosen) {
  for (std::unique_ptr<Listener>& listener : listeners_) {
    if (!chosen(*listener)) continue;
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener->fd.get(), nullptr);  // it is in it
    listener->fd.reset();
    dead_listeners_.push_back(std::move(listener));
  }
  std::erase(listeners_, nullptr);
}

void WorkerThread::unlisten_all() {
  former_tls_port_ = tls_port();
  unlisten([](const Listener&) { return true; });
}

void WorkerThread::accept_from(Listener& listener) {
  if (!listener.fd) return;
  constexpr int kAcceptsMax = 32;  // then those who are here have their turn
  for (int i = 0; i < kAcceptsMax; ++i) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int fd = ::accept4(listener.fd.get(), reinterpret_cast<sockaddr*>(&peer), &length,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      adopt(fd, peer, listener);
    } else if (errno == EMFILE || errno == ENFILE) {
      return refuse_without_descriptors(listener);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void WorkerThread::refuse_without_descriptors(Listener& listener) {
  spare_.reset();
  const os::Fd refused(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

namespace {
in6_addr address_of(const sockaddr_storage& peer) {
  in6_addr address{};
  if (peer.ss_family == AF_INET6) return reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  address.s6_addr[10] = address.s6_addr[11] = 0xff;
  std::memcpy(&address.s6_addr[12], &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, 4);
  return address;
}
}  // namespace

/// Whoever has too many is let in to hear so.
void WorkerThread::count_connection(Client& client) {
  if (bounds_.address_connections_max == 0) return;
  client.is_in_ledger =
      context_.ledger->open(ledger_key(client.address), bounds_.address_connections_max, now_);
  client.is_over_limit = !client.is_in_ledger;
}

/// Of a thread's share; who is turned away is counted.
bool WorkerThread::has_room_for_client() {
  const std::uint64_t share = bounds_.client_connections_max / context_.threads;
  if (client_count_ < std::max<std::uint64_t>(share, 1)) return true;
  hit(&Bounds::client_connections_max);
  return false;
}

void WorkerThread::adopt(int fd, const sockaddr_storage& peer, const Listener& listener) {
  auto client = std::make_unique<Client>();
  client->socket.fd.reset(fd);
  if (!has_room_for_client()) return;
  client->address = address_of(peer);
  client->listener_port = listener.port;
  if (listener.is_tls && !begin_tls(*client)) return;
  count_connection(*client);
  // Its first bytes are often here already.
  client->socket.readable = client->socket.writable = true;
  Client& enrolled = enrol(std::move(client));
  if (listener.is_tls) set_deadline(enrolled, bounds_.handshake_ms_max);
  advance(enrolled);
}

bool WorkerThread::watch_client(Client& client) {
  Socket& socket = client.socket;
  // A transport without a descriptor is woken by whoever drives it.
  socket.is_watched =
      !socket.fd || watch(socket.fd.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, client);
  return socket.is_watched;
}

/// From here on it is one of ours: its deadlines run, and advance() carries it on when its socket
/// has something to do. Owned by the ring of clients until close_client().
Client& WorkerThread::enrol(std::unique_ptr<Client> owned) {
  Client& client = *owned.release();
  client.next = clients_.next;
  client.previous = &clients_;
  client.next->previous = &client;
  clients_.next = &client;
  ++client_count_;
  set_deadline(client, bounds_.head_ms_max);
  return client;
}

void WorkerThread::follow(std::shared_ptr<const RouteTable> table, std::uint64_t generation) {
  table_ = std::move(table);
  prune_targets();
  acknowledged_.change([&](std::uint64_t& known) { known = std::max(known, generation); });
  release_held();
}

void WorkerThread::prune_targets() {
  for (TargetId id = 0; id < targets_.size(); ++id) {
    std::unique_ptr<Target>& target = targets_[id];
    if (!target || table_->uses(id)) continue;
    while (!target->idle.empty()) close_upstream(*target->idle.back());
    if (target->in_flight == 0) target.reset();
  }
}

void WorkerThread::start_drain(std::uint32_t slot, Duration websocket_budget) {
  const auto budget = static_cast<std::uint64_t>(std::max<Millis>(0, websocket_budget.count()));
  for (const auto& target : targets_) {
    if (!target || target->slot != slot) continue;
    while (!target->idle.empty()) close_upstream(*target->idle.back());
  }
  for (Client* client = clients_.next; client != &clients_; client = client->next) {
    if (client->upstream == nullptr || client->slot != slot) continue;
    client->upstream->is_draining = true;
    if (client->phase != Phase::kTunnel) continue;
    client->tunnel->close_at = now_ + static_cast<Millis>(goodbye_after_ms(budget, prng_));
    wheel_.set(*client, client->tunnel->close_at);
  }
}

void WorkerThread::start_finish() {
  if (is_hurried_) return;
  is_finishing_ = is_hurried_ = true;
  finish_by_ = now_ + static_cast<Millis>(bounds_.drain_ms_max);
  // Who was let in by the kernel would be reset when the socket closes: they are served first.
  for (const auto& listener : listeners_) accept_from(*listener);
  unlisten_all();
  for (Client* client = clients_.next; client != &clients_;) {
    Client* const next = client->next;
    client->closes_after = true;
    if (client->phase == Phase::kHead && client->socket.received().empty() && !client->is_first) {
      close_client(*client);
    } else if (client->phase == Phase::kHttp2) {
      finish_http2(*client);
    }
    client = next;
  }
  end_tunnels_within(bounds_.drain_ms_max / 2);
}

void WorkerThread::start_hand_over() {
  if (is_finishing_) return;
  is_finishing_ = true;
  finish_by_ = now_ + static_cast<Millis>(bounds_.hand_over_ms_max);
  unlisten_all();
  for (Client* client = clients_.next; client != &clients_; client = client->next) {
    if (client->phase != Phase::kHttp2) continue;
    client->moved_bytes = client->http2->requests();
    set_deadline(*client, kHandOverPauseMs);
  }
  end_tunnels_within(bounds_.hand_over_ms_max / 10 * 9);
}

void WorkerThread::end_tunnels_within(std::uint64_t ms) {
  for (Client* client = clients_.next; client != &clients_; client = client->next) {
    if (client->phase != Phase::kTunnel) continue;
    client->tunnel->close_at = now_ + static_cast<Millis>(goodbye_after_ms(ms, prng_));
    wheel_.set(*client, client->tunnel->close_at);
  }
}

void WorkerThread::tick() {
  wheel_.advance(now_, [this](TimerEntry& entry) { expire(entry); });
}

void WorkerThread::expire(TimerEntry& entry) {
  if (entry.is_client) return review(static_cast<Client&>(entry));
  auto& upstream = static_cast<Upstream&>(entry);
  // One that was taken from its pool meanwhile still has the pool's deadline.
  if (upstream.client == nullptr) close_upstream(upstream);
}

/// Events of this turn may still point at what was closed in it, so it is freed only now.
void WorkerThread::bury() {
  std::erase_if(dead_clients_, [](const auto& client) { return !client->is_queued; });
  dead_upstreams_.clear();
  dead_listeners_.clear();
}

}  // namespace ecluse::gateway
