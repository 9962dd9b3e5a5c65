#pragma once
// The books: every request that was sent ends in exactly one column. Nothing is retried and nothing
// is forgotten, so sent = answered + lost + in flight, in each phase and in total.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "histogram.h"
#include "mix.h"

namespace ecluse::load {

/// Microseconds of CLOCK_MONOTONIC: other programs on this machine can compare.
using Micros = std::int64_t;
Micros now_us();

enum class Loss {
  kRefused,       ///< nobody listened
  kConnect,       ///< the connection failed in another way
  kReset,         ///< the connection was reset
  kClosed,        ///< closed without a byte of an answer
  kTruncated,     ///< the answer stopped before its end
  kTimeout,       ///< no whole answer in time
  kMalformed,     ///< what came is no HTTP
  kMixed,         ///< the answer to another request
  kGatewayError,  ///< 502, 503 or 504 that no app had stamped: it never reached an app
  kWebSocket,     ///< a WebSocket that ended without 1012, or could not be opened
  kClientFull     ///< we had no connection left: the measurement is not valid
};
std::string_view to_string(Loss loss);

struct Request {
  std::uint64_t id = 0;
  Kind kind = Kind::kGet;
  std::string path;
  std::size_t phase = 0;
  Micros intended = 0;                  ///< when it should have started: latency counts from here
  Micros sent = 0;                      ///< when we handed it to a connection
  std::optional<std::uint32_t> person;  ///< who comes back with a cookie; of whom there are many
};

struct Answer {
  int status = 0;
  std::string release;      ///< as the gateway stamped it
  std::string app_release;  ///< as the app itself stamped it
  std::string load_id;
};

struct LossRecord {
  Loss loss = Loss::kReset;
  Request request;
  Micros connected = 0;  ///< when its connection was made; 0 if it never was
  Micros lost = 0;
};

struct ReleaseCount {
  std::uint64_t answered = 0;
  Micros first_sent = 0;  ///< of the requests this release answered
  Micros last_sent = 0;
  std::vector<Micros> sent;  ///< of the first kSentMax that were answered

  static constexpr std::size_t kSentMax = 64;
};

struct Phase {
  std::string name;
  Micros began = 0;
  Micros ended = 0;  ///< 0: it is the current one
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t wrong_release = 0;
  std::uint64_t stamp_mismatch = 0;  ///< gateway and app named different releases
  std::uint64_t errors_5xx = 0;      ///< made by the app: seen by users, not lost
  Micros first_answer = 0;
  Micros lag_max = 0;  ///< how late we sent, at worst: our own slowness
  std::map<Loss, std::uint64_t> lost;
  std::map<int, std::uint64_t> status;
  std::map<Kind, std::uint64_t> kind;
  std::map<std::string, ReleaseCount> release;  ///< "" when nobody stamped it
  Histogram latency;

  std::uint64_t lost_total() const;
};

/// Which releases may answer, over time. An empty set allows any.
class AllowedReleases {
 public:
  void set(Micros at, std::set<std::string> releases);
  /// Whether `release` was allowed at some moment in [from, to].
  bool allows(const std::string& release, Micros from, Micros to) const;

 private:
  struct Since {
    Micros at;
    std::set<std::string> releases;
  };
  std::vector<Since> history_;
};

/// What one of the people met, over the whole run.
struct Person {
  std::set<std::string> releases;
  std::map<std::size_t, std::uint64_t> errors;  ///< answers of 5xx, by phase
};

class Tally {
 public:
  explicit Tally(Micros began);

  void begin_phase(const std::string& name, Micros at);
  AllowedReleases& allowed() { return allowed_; }

  /// Enters `request` as sent in the current phase.
  void sent(Request& request, Micros at);
  void answered(const Request& request, const Answer& answer, Micros at);
  void lost(const Request& request, Loss loss, Micros connected, Micros at);
  /// A WebSocket is one long request: in flight until it ends as it should, or is lost.
  void websocket_opened(const Request& request, const Answer& answer, Micros at);
  void websocket_ended(const Request& request);
  void websocket_drained() { ++websockets_drained_; }
  void websocket_resent(std::uint64_t messages) { messages_resent_ += messages; }

  std::uint64_t in_flight() const;
  /// Everything as JSON: the totals, `phases` with the same fields each, and `losses`, one by one.
  std::string report(Micros at) const;

 private:
  void stamp(const Request& request, const Answer& answer, Micros at);
  /// Of `phase`: how many of its errors were seen by people whom each release answered at any time.
  /// The rest was seen by people outside of it.
  std::map<std::string, std::uint64_t> errors_inside(std::size_t phase) const;

  std::deque<Phase> phases_;
  AllowedReleases allowed_;
  std::map<std::uint32_t, Person> people_;
  std::vector<LossRecord> losses_;  ///< the first kLossesMax
  std::uint64_t websockets_opened_ = 0;
  std::uint64_t websockets_drained_ = 0;
  std::uint64_t messages_resent_ = 0;
};

}  // namespace ecluse::load
