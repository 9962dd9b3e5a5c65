// libFuzzer on the worker thread as it is, with real sockets on both sides: clients and apps send
// any bytes in any slices, stop reading, end, reset; tables are swapped, releases drained, time
// passes.
//
// What must hold whatever they do:
// - an app receives well-formed requests, written anew, and no whole one whose body no client sent;
// - a client receives well-formed answers, no more than it asked for, and no whole one that no app
//   gave whole: what was cut never ends cleanly;
// - an app that spoke without being asked is not asked again on that connection;
// - everything ends by its deadlines alone, and then no connection, buffer, pipe, request in flight
//   or pending record is left.
//
// Input: a byte of configuration, then records: a byte whose low half is what happens and whose
// high half to whom, for those that send a length and so many bytes.
#include <sodium.h>

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/page.h"
#include "worker_driver.h"
#include "worker_peers.h"

namespace {
using namespace ecluse::gateway;
using ecluse::ports::Site;
using ecluse::ports::SiteMode;
using peers::Peer;
using peers::Port;
using wire::must;

std::int64_t g_now_us = 1'000'000'000;

std::string story_of(int status, std::string_view body) {
  return std::to_string(status) + " " + std::string(body);
}

// ---- What the bytes that were sent mean: by the gateway's own parser, in one slice
// ------------------

struct Asked {
  bool is_head = false;
  bool wants_websocket = false;
};

/// What a client asked for, as far as it keeps to the rules.
struct Questions {
  std::vector<Asked> asked;
  std::set<std::string> bodies;  ///< of those that are whole
  std::size_t tail = 0;          ///< where a WebSocket's bytes begin
};

struct Decoded {
  std::string body;
  std::size_t used = 0;
  bool is_whole = false;
};

Decoded decode(std::string_view rest, const http1::Framing& framing, const Bounds& bounds) {
  switch (framing.kind) {
    case http1::BodyKind::kNone:
      return {{}, 0, true};
    case http1::BodyKind::kLength: {
      const std::size_t n = std::min<std::uint64_t>(framing.length, rest.size());
      return {std::string(rest.substr(0, n)), n, n == framing.length};
    }
    case http1::BodyKind::kUntilClose:
      return {std::string(rest), rest.size(), false};
    case http1::BodyKind::kChunked: {
      std::string copy(rest);
      http1::ChunkedDecoder decoder;
      const auto progress = decoder.decode(copy, bounds.chunks());
      copy.resize(progress.produced);
      return {std::move(copy), progress.consumed, decoder.done()};
    }
  }
  return {};
}

Questions read_questions(std::string_view sent, const Bounds& bounds) {
  Questions questions;
  std::string_view rest = sent;
  http1::Request request;
  for (;;) {
    http1::HeadScanner scanner;
    if (rest.empty() || scanner.scan(rest, bounds.head()) != http1::HeadScanner::State::kComplete) {
      return questions;
    }
    const std::string_view head =
        rest.substr(scanner.head_begin(), scanner.head_end() - scanner.head_begin());
    if (http1::parse_request(head, request) != http1::Fault::kNone) return questions;
    rest.remove_prefix(scanner.head_end());
    questions.asked.push_back({request.is_head(), request.wants_websocket});
    Decoded body = decode(rest, request.framing, bounds);
    rest.remove_prefix(body.used);
    questions.tail = sent.size() - rest.size();
    if (!body.is_whole || body.body.size() > bounds.body_bytes_max) return questions;
    questions.bodies.insert(std::move(body.body));
    if (!request.keep_alive) return questions;
  }
}

/// What an app answered on one connection.
struct Answers {
  std::set<std::string> whole;
  std::size_t finals = 0;
  bool has_more = false;  ///< bytes behind the last one, or what is no answer
  std::string tail;       ///< of a WebSocket
  bool is_tunnel = false;
};

Answers read_answers(const Peer& app, const std::vector<wire::Requests::Request>& requests,
                     const Bounds& bounds) {
  Answers answers;
  std::string_view rest = app.sent;
  http1::Response response;
  while (!rest.empty() && !answers.is_tunnel) {
    answers.has_more = true;
    if (answers.finals == requests.size()) return answers;
    const auto& request = requests[answers.finals];
    http1::HeadScanner scanner(http1::HeadKind::kResponse);
    if (scanner.scan(rest, bounds.head()) != http1::HeadScanner::State::kComplete) return answers;
    const bool is_head = request.method == "HEAD";
    if (http1::parse_response(rest.substr(0, scanner.head_end()), is_head, response) !=
        http1::Fault::kNone) {
      return answers;
    }
    rest.remove_prefix(scanner.head_end());
    if (response.status < 200 && response.status != 101) continue;
    answers.is_tunnel = response.status == 101;
    if (answers.is_tunnel) answers.tail = rest;
    Decoded body = decode(answers.is_tunnel ? "" : rest, response.framing, bounds);
    rest.remove_prefix(body.used);
    if (response.framing.kind == http1::BodyKind::kUntilClose) {
      body.is_whole = answers.is_tunnel || app.has_ended_sending;
    }
    if (!body.is_whole) return answers;
    answers.whole.insert(story_of(response.status, body.body));
    ++answers.finals;
    answers.has_more = !rest.empty();
  }
  return answers;
}

// ---- The world: two apps, one site, several tables
// ---------------------------------------------------

struct World {
  World()
      : memory(std::move(*SharedMemory::map(std::move(*SharedMemory::create())))),
        context{.ledger = &ledger, .bounds = {}, .memory = &memory, .bell = &bell} {
    must(::sodium_init() >= 0);
    context.clock_us = [] { return g_now_us; };
    context.override_key = random_override_key();
    for (const ecluse::model::ReleaseNumber release : {6U, 7U}) {
      slots[release] = *memory.slot_of({"fuzz", "prod"}, release, [](auto&&...) { return true; });
    }
    for (const int status : {200, 308, 400, 401, 403, 404, 405, 408, 412, 413, 414,
                             416, 417, 421, 429, 431, 501, 502, 503, 504, 505}) {
      pages.insert(html_of(page_of(status)));
    }
    pages.insert(html_of(maintenance_page()));
    pages.insert(html_of(nothing_deployed_page()));
    pages.insert(html_of(unknown_host_page()));
  }

  ecluse::ports::Backend backend(std::vector<std::uint16_t> at, bool ready = true) const {
    ecluse::ports::Backend made{.process = "web", .prefixes = {"/"}, .targets = {}};
    for (const std::uint16_t port : at) {
      made.targets.push_back(
          {.instance = "i" + std::to_string(port) + "-" + std::to_string(inputs % 250),
           .address = "127.0.1." + std::to_string(inputs % 250 + 1),
           .port = port,
           .ready = ready});
    }
    return made;
  }

  static constexpr unsigned kTables = 8;
  std::shared_ptr<const RouteTable> table(unsigned which) {
    Site site{.key = {"fuzz", "prod"}, .hosts = {"a"}, .redirects = {{"old", "a"}}};
    site.cohort_salt = "salt";
    site.sticky = which == 1;
    site.health_paths = {"/health"};
    if (which == 4) site.mode = SiteMode::kHold;
    if (which == 5) site.mode = SiteMode::kMaintenance;
    if (which == 6) site.basic_auth = "a:b";
    const bool has_two = which < 2;
    site.arms.push_back({.release = 7,
                         .weight_ppm = has_two ? 500'000U : 1'000'000U,
                         .backends = {which == 3   ? backend({dead.number(), one.number()})
                                      : which == 7 ? backend({one.number()}, false)
                                                   : backend({one.number()})}});
    if (has_two) {
      site.arms.push_back(
          {.release = 6, .weight_ppm = 500'000, .backends = {backend({two.number()})}});
    }
    site.arms[0].backends[0].affinity = which == 3;
    if (which == 2) site.arms[0].backends[0].websockets = {"/ws"};
    site.on_trial = 7;
    auto entry = make_entry(site, ids, slots, trial);
    must(entry.has_value());
    return std::make_shared<RouteTable>(std::array{*entry});
  }

  /// Of one input. Apps have other addresses in each: their ports are not used up so soon.
  void begin() {
    ++inputs;
    memory.outcomes().end("fuzz/prod");
    trial = *memory.outcomes().begin("fuzz/prod", 7, {});
  }
  /// Every arrival of this trial was settled.
  bool has_settled_all() {
    OutcomeRing& ring = memory.outcomes().ring(trial);
    ecluse::ports::OutcomeBatch batch;
    OutcomeRing::Position position = ring.oldest();
    ring.read(position, batch);
    return std::ranges::none_of(batch.outcomes, [](const ecluse::ports::Outcome& outcome) {
      return outcome.state == ecluse::ports::Outcome::State::kPending;
    });
  }
  bool counts_nobody() {
    for (const auto& [release, slot] : slots) {
      const CounterCell& cell = memory.cell(0, slot);
      if (cell.in_flight.load() != 0 || cell.websockets.load() != 0) return false;
    }
    return true;
  }

  Port one{true};
  Port two{true};
  Port dead{false};
  Port front{true};
  AddressLedger ledger;
  OutcomeBell bell;
  SharedMemory memory;
  WorkerContext context;
  TargetIds ids;
  unsigned inputs = 0;
  TrialId trial = kNoTrial;
  std::map<ecluse::model::ReleaseNumber, std::uint32_t> slots;
  std::set<std::string> pages;
};

// ---- One input
// -----------------------------------------------------------------------------------------

class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}
  bool is_empty() const { return rest_.empty(); }
  unsigned byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view bytes() {
    const std::size_t size = byte() + 1;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

struct App {
  explicit App(peers::Fd fd) : peer(std::move(fd)) {}
  void stop_or_go() {
    peer.reads = !peer.reads;
    has_stopped = true;
  }
  Peer peer;
  wire::Requests requests;
  std::size_t fed = 0;
  bool has_stopped = false;  ///< once it did not read: what it heard when is not known
};

class Play {
 public:
  Play(World& world, Input input) : world_(world), input_(input) {
    const unsigned setting = input_.byte();
    world_.begin();
    Bounds& bounds = world_.context.bounds;
    bounds = {};
    bounds.websocket_idle_ms_max = 60'000;
    bounds.hand_over_ms_max = 60'000;
    if ((setting & 1) != 0) bounds.body_bytes_max = 1000;
    if ((setting & 2) != 0) bounds.head_bytes_max = 512;
    if ((setting & 4) != 0) bounds.retry_burst_max = bounds.retry_percent_max = 0;
    if ((setting & 8) != 0) bounds.eject_failures = 1;
    if ((setting & 16) != 0) bounds.pool_connections_max = 1;
    if ((setting & 32) != 0) bounds.hold_requests_max = 1;
    driver_ = std::make_unique<WorkerDriver>(world_.context, world_.table(0));
    driver_->thread().listen(world_.front.duplicate(), world_.front.number(), false);
    settle();
    if ((setting & 64) != 0) open_http2();
  }

  void run() {
    for (int records = 0; !input_.is_empty() && records < 400; ++records) {
      act(input_.byte());
      settle();
    }
    finish();
  }

 private:
  void act(unsigned record) {
    const unsigned whom = record >> 4;
    switch (record & 15) {
      case 0:
      case 1:
        return client(whom).send(input_.bytes());
      case 2:
        return client(whom).send(repeated(input_.bytes()));
      case 3:
      case 4:
        return app_sends(whom, input_.bytes());
      case 5:
        return app_sends(whom, repeated(input_.bytes()));
      case 6:
        return app_sends(whom, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      case 7:
        return client(whom).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      case 8:
        g_now_us += std::int64_t{1000} << whom;
        return;
      case 9:
        return client(whom).end_sending();
      case 10:
        return client(whom).reset();
      case 11:
        if (App* const app = any_app(whom)) app->peer.end_sending();
        return;
      case 12:
        if (App* const app = any_app(whom)) app->peer.reset();
        return;
      case 13: {
        Peer& slow = client(whom);
        slow.reads = !slow.reads;
        return;
      }
      case 14:
        if (App* const app = any_app(whom)) app->stop_or_go();
        return;
      case 15:
        return order(whom);
    }
  }

  /// Much of a body, or some pipelined messages.
  static std::string repeated(std::string_view bytes) {
    const int times = bytes.find("\r\n\r\n") == bytes.npos ? 512 : 4;
    std::string all;
    for (int i = 0; i < times; ++i) all.append(bytes);
    return all;
  }

  void order(unsigned which) {
    WorkerThread& thread = driver_->thread();
    if (which < World::kTables) return thread.swap(world_.table(which), ++generation_);
    if (which == 8) return thread.drain(world_.slots.at(7), ecluse::Duration(0));
    if (which == 9) return thread.drain(world_.slots.at(6), ecluse::Duration(5'000));
    if (which == 10) return thread.hand_over();
    if (which == 11) return thread.finish();
    if (which == 12) open_http2();
  }

  void app_sends(unsigned whom, std::string_view bytes) {
    if (App* const app = any_app(whom)) app->peer.send(bytes);
  }
  /// Counted from the newest.
  App* any_app(unsigned whom) {
    return apps_.empty() ? nullptr : apps_[apps_.size() - 1 - whom % apps_.size()].get();
  }
  Peer& client(unsigned whom) {
    constexpr unsigned kClients = 3;
    constexpr std::size_t kConnectionsMax = 40;  // fewer than may wait when nobody accepts
    auto& slot = clients_[whom % kClients];
    if (!slot || (whom >= 12 && slot != http2_ && all_clients_.size() < kConnectionsMax)) {
      slot = std::make_shared<Peer>(world_.front.connect());
      all_clients_.push_back(slot);
    }
    return *slot;
  }
  /// Its bytes are frames: client 0 from here on.
  void open_http2() {
    std::array<int, 2> pair{};
    if (http2_) return;
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) == 0);
    http2_ = std::make_shared<Peer>(peers::Fd(pair[0]));
    clients_[0] = http2_;
    driver_->carry_http2(peers::Fd(pair[1]));
    http2_->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9));
  }

  /// Until nothing moves any more.
  void settle() {
    constexpr int kRoundsMax = 400;
    for (int round = 0, quiet = 0; round < kRoundsMax && quiet < 2; ++round) {
      driver_->turn();
      bool moved = driver_->has_more_to_do();
      for (const auto& each : all_clients_) moved = each->move() || moved;
      if (http2_) moved = http2_->move() || moved;
      moved = accept_all(world_.one) || moved;
      moved = accept_all(world_.two) || moved;
      for (const auto& app : apps_) moved = move_app(*app) || moved;
      quiet = moved ? 0 : quiet + 1;
    }
  }

  bool accept_all(const Port& port) {
    bool any = false;
    for (peers::Fd fd = port.accept(); fd; fd = port.accept()) {
      apps_.push_back(std::make_unique<App>(std::move(fd)));
      any = true;
    }
    return any;
  }

  bool move_app(App& app) {
    const Answers before = read_answers(app.peer, app.requests.all(), world_.context.bounds);
    const std::size_t known = app.requests.all().size();
    const bool moved = app.peer.move();
    app.requests.feed(std::string_view(app.peer.received).substr(app.fed));
    app.fed = app.peer.received.size();
    // It is asked again only if all it said were the answers to what it was asked.
    if (app.requests.all().size() > known && !app.has_stopped) {
      must(before.finals == known && !before.has_more);
    }
    return moved;
  }

  /// Everybody falls silent. Deadlines end what is open; then everything is looked at.
  void finish() {
    constexpr int kStepsMax = 30;
    constexpr std::int64_t kStepUs = 61'000'000;
    for (const auto& each : all_clients_) each->reads = true;
    for (int step = 0; step < kStepsMax && !driver_->holds_nothing(); ++step) {
      g_now_us += kStepUs;
      const std::size_t before = bytes_seen();
      settle();
      if (bytes_seen() != before) step = 0;  // one of many that a client has pipelined
    }
    must(driver_->holds_nothing());
    must(world_.counts_nobody());
    must(world_.has_settled_all());
    for (const auto& app : apps_) app->peer.reads = true;
    settle();
    check_clients();
    check_apps();
    driver_->end();
    // Who came when nobody listened any more must not be the next worker's guest.
    while (world_.front.accept()) {
    }
  }

  std::size_t bytes_seen() const {
    std::size_t all = 0;
    for (const auto& each : all_clients_) all += each->received.size();
    return all;
  }

  void check_clients() {
    std::set<std::string> whole;
    std::vector<std::string> tails;
    for (const auto& app : apps_) {
      Answers answers = read_answers(app->peer, app->requests.all(), world_.context.bounds);
      whole.merge(answers.whole);
      if (answers.is_tunnel) tails.push_back(std::move(answers.tail));
    }
    for (const auto& each : all_clients_) check_client(*each, whole, tails);
    if (http2_ && tails.empty()) check_http2(http2_->received, whole);
  }

  void check_client(const Peer& peer, const std::set<std::string>& whole,
                    const std::vector<std::string>& tails) {
    const Questions questions = read_questions(peer.sent, world_.context.bounds);
    std::string_view rest = peer.received;
    const bool ended = peer.end == Peer::End::kEnded;
    std::size_t finals = 0;
    while (!rest.empty()) {
      // One more than was asked for: what it heard of bytes that are no request.
      must(finals <= questions.asked.size());
      const Asked asked = finals < questions.asked.size() ? questions.asked[finals] : Asked{};
      const auto answer = wire::take_answer(rest, asked.is_head, ended);
      if (!answer) return;
      if (answer->status == 101) {
        must(asked.wants_websocket);
        return check_tail(rest, tails);
      }
      if (answer->status < 200) continue;
      if (!answer->body.is_whole) return;
      const bool is_ours = world_.pages.contains(answer->body.bytes) ||
                           (asked.is_head && answer->body.bytes.empty());
      must(is_ours || whole.contains(story_of(answer->status, answer->body.bytes)));
      ++finals;
    }
  }

  /// What came through a WebSocket is what was put in, and perhaps our goodbye.
  static void check_tail(std::string_view got, const std::vector<std::string>& tails) {
    constexpr std::string_view kRestart("\x88\x02\x03\xf4", 4);
    const auto is_front_of_any = [&](std::string_view text) {
      return std::ranges::any_of(tails,
                                 [&](const std::string& tail) { return tail.starts_with(text); });
    };
    must(is_front_of_any(got) ||
         (got.ends_with(kRestart) && is_front_of_any(got.substr(0, got.size() - kRestart.size()))));
  }

  void check_http2(std::string_view frames, const std::set<std::string>& whole) const {
    constexpr std::size_t kFrameHead = 9;
    std::set<std::string> bodies{""};
    for (const std::string& story : whole) bodies.insert(story.substr(4));
    std::map<std::uint32_t, std::string> streams;
    while (frames.size() >= kFrameHead) {
      const auto at = [&](std::size_t i) { return static_cast<unsigned char>(frames[i]); };
      const std::size_t size = at(0) * 65536U + at(1) * 256U + at(2);
      const std::uint32_t id = at(5) * 16777216U + at(6) * 65536U + at(7) * 256U + at(8);
      const bool ends = (at(4) & 1) != 0;
      if (frames.size() < kFrameHead + size) return;
      const bool is_data = at(3) == 0;
      if (is_data) streams[id].append(frames.substr(kFrameHead, size));
      if (ends && (is_data || at(3) == 1)) {
        must(bodies.contains(streams[id]) || world_.pages.contains(streams[id]));
      }
      frames.remove_prefix(kFrameHead + size);
    }
  }

  /// A request that is whole was sent so by a client.
  void check_apps() {
    std::set<std::string> bodies;
    for (const auto& each : all_clients_) {
      bodies.merge(read_questions(each->sent, world_.context.bounds).bodies);
    }
    for (const auto& app : apps_) {
      for (const auto& request : app->requests.all()) {
        must(http2_ || !request.body.is_whole || bodies.contains(request.body.bytes));
      }
    }
  }

  World& world_;
  Input input_;
  std::unique_ptr<WorkerDriver> driver_;
  std::array<std::shared_ptr<Peer>, 3> clients_;
  std::vector<std::shared_ptr<Peer>> all_clients_;
  std::shared_ptr<Peer> http2_;
  std::vector<std::unique_ptr<App>> apps_;
  std::uint64_t generation_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  Play(world, Input({reinterpret_cast<const char*>(data), size})).run();
  return 0;
}
