#pragma once
// The open loop: requests start when their time has come, whether or not earlier ones were
// answered, and their latency counts from that time. So a stall is seen by everybody it would have
// hit (no coordinated omission).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exchange.h"
#include "mix.h"
#include "session.h"

namespace ecluse::load {

struct LoadOptions {
  Target target;
  Mix mix;
  double rate = 0;             ///< requests per second; may be changed by a command
  std::size_t websockets = 0;  ///< kept open all the time
  std::size_t connections_max = 4000;
  Micros timeout = 15'000'000;  ///< for an answer; kSlowRead gets four times that
  std::uint32_t people = 0;     ///< who come back, each with a cookie; 0: nobody has one
  std::uint64_t seed = 1;
};

/// One thread. Every call to step() waits at most until `until`.
class Loader {
 public:
  Loader(Poller& poller, LoadOptions options);

  void step(Micros until);
  /// Obeys one line: `phase NAME`, `allow 1,2` (none: any), `rate N`, `report`, `stop`. Returns the
  /// answer, one line of JSON.
  std::string obey(std::string_view line);

  /// stop was said, and nothing is in flight any more.
  bool finished() const;
  std::string report() const { return tally_.report(now_us()); }

 private:
  void launch_due(Micros now);
  void launch(Micros intended);
  void launch_http(Request request);
  Exchange* connection_for(Kind kind);
  void tick(Micros now);
  void set_rate(double rate);
  void stop();
  Micros next_arrival() const;

  Poller& poller_;
  LoadOptions options_;
  Tally tally_;
  Prng prng_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::size_t next_session_ = 0;
  std::uint64_t next_id_ = 1;
  Micros rate_since_ = 0;  ///< arrivals are counted from here
  std::uint64_t arrivals_ = 0;
  Micros next_tick_ = 0;
  bool stopping_ = false;
};

}  // namespace ecluse::load
