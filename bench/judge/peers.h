#pragma once
// What others do with the same traffic: EMULATIONS, written from public documentation alone, with
// the settings their documentation shows. They look at figures per minute, never at requests.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "judge/traffic.h"

namespace ecluse::bench {

enum class Peer {
  kTumbling,    ///< the usual rule: errors > 5 % in a minute, looked at once a minute
  kSliding,     ///< the same over the last 60 s, looked at every 5 s
  kArgo,        ///< Argo Rollouts' analysis example: every 5 min, success >= 0.95, failureLimit 3
  kArgoStrict,  ///< the same with its default failureLimit of 0
  kFlagger,     ///< Flagger's canary example: each minute, success rate >= 99 %, threshold 5
  kKayenta,     ///< Kayenta's default judge: Mann-Whitney on 60 one-minute points, 98 %, 0.25
};
inline constexpr Peer kPeers[] = {Peer::kTumbling,   Peer::kSliding, Peer::kArgo,
                                  Peer::kArgoStrict, Peer::kFlagger, Peer::kKayenta};
std::string_view name_of(Peer peer);

struct ArmSlice {
  std::uint32_t requests = 0, errors = 0;
};
/// Five seconds of a run.
struct Slice {
  ArmSlice canary, stable;
};
std::vector<Slice> slices_of(const Traffic& traffic, Prng& prng);

/// Canary requests until it rolls back; nothing when it does not within the run.
std::optional<std::uint64_t> rolled_back_after(Peer peer, const std::vector<Slice>& slices);

}  // namespace ecluse::bench
