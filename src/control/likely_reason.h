#pragma once
// Why an instance did not become ready, as far as its traces tell. Pure: facts in, words out.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ports/prober.h"
#include "ports/runtime.h"

namespace ecluse::control {

struct StartFacts {
  std::string process;         ///< "web"
  std::string command;         ///< as in ecluse.yml
  std::uint16_t port = 0;      ///< where it was expected
  bool port_is_given = false;  ///< by `port:`; else it was told $PORT
  std::string host;            ///< the Host header of the probes
  std::vector<ports::ProbeResult> probes;
  std::optional<int> exit_code;
  std::optional<Duration> lived;  ///< until it exited
  std::vector<std::string> last_lines;
  std::vector<ports::Listener> listeners;
};

struct LikelyReason {
  std::string reason;     ///< one sentence
  std::string next_step;  ///< what to do about it
};

LikelyReason likely_reason(const StartFacts& facts);

}  // namespace ecluse::control
