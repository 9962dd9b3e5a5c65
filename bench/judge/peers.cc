#include "judge/peers.h"

#include <algorithm>
#include <cmath>

namespace ecluse::bench {

namespace {
constexpr std::size_t kSliceSeconds = 5;
constexpr std::size_t kMinute = 60 / kSliceSeconds;

ArmSlice canary_over(const std::vector<Slice>& slices, std::size_t end, std::size_t count) {
  ArmSlice sum;
  for (std::size_t i = end - count; i < end; ++i) {
    sum.requests += slices[i].canary.requests;
    sum.errors += slices[i].canary.errors;
  }
  return sum;
}

std::uint64_t canary_requests(const std::vector<Slice>& slices, std::size_t end) {
  return canary_over(slices, end, end).requests;
}

/// Looks every `every` slices at the last `window` of them; more than `failures_max` failed checks
/// roll back. Without requests a check does not fail.
struct Check {
  std::size_t window, every;
  double errors_max;
  std::uint32_t failures_max;
};
std::optional<std::uint64_t> checked(const Check& check, const std::vector<Slice>& slices) {
  std::uint32_t failures = 0;
  for (std::size_t end = check.window; end <= slices.size(); end += check.every) {
    const ArmSlice seen = canary_over(slices, end, check.window);
    if (seen.requests == 0 || seen.errors <= check.errors_max * seen.requests) continue;
    failures += 1;
    if (failures > check.failures_max) return canary_requests(slices, end);
  }
  return std::nullopt;
}

/// Errors per minute, as a share of the arm's requests in that minute.
std::vector<double> points(const std::vector<Slice>& slices, ArmSlice Slice::* arm) {
  std::vector<double> all;
  for (std::size_t begin = 0; begin + kMinute <= slices.size(); begin += kMinute) {
    ArmSlice sum;
    for (std::size_t i = begin; i < begin + kMinute; ++i) {
      sum.requests += (slices[i].*arm).requests;
      sum.errors += (slices[i].*arm).errors;
    }
    if (sum.requests > 0) all.push_back(static_cast<double>(sum.errors) / sum.requests);
  }
  return all;
}

/// The shift between two samples (Hodges and Lehmann, 1963) with its interval at 98 %, normal
/// approximation; "high" when the whole interval lies above a quarter of the shift's size.
bool is_high(const std::vector<double>& canary, const std::vector<double>& stable) {
  if (canary.empty() || stable.empty()) return false;
  std::vector<double> differences;
  for (const double c : canary) {
    for (const double s : stable) differences.push_back(c - s);
  }
  std::ranges::sort(differences);
  const auto m = static_cast<double>(canary.size());
  const auto n = static_cast<double>(stable.size());
  constexpr double kZ = 2.3263478740408408;  // normal quantile of 0.99
  const double rank = m * n / 2 - kZ * std::sqrt(m * n * (m + n + 1) / 12);
  const double low = differences[static_cast<std::size_t>(std::max(0.0, std::floor(rank)))];
  const double shift = differences[differences.size() / 2];
  return low > 0.25 * std::fabs(shift);
}
}  // namespace

std::string_view name_of(Peer peer) {
  switch (peer) {
    case Peer::kTumbling:
      return "threshold per minute, tumbling";
    case Peer::kSliding:
      return "threshold per minute, sliding";
    case Peer::kArgo:
      return "Argo Rollouts, emulated, failureLimit 3";
    case Peer::kArgoStrict:
      return "Argo Rollouts, emulated, failureLimit 0";
    case Peer::kFlagger:
      return "Flagger, emulated, threshold 5";
    case Peer::kKayenta:
      return "Kayenta's Mann-Whitney, emulated";
  }
  return "";
}

std::vector<Slice> slices_of(const Traffic& traffic, Prng& prng) {
  const auto seconds = static_cast<double>(traffic.requests()) / traffic.per_second;
  std::vector<Slice> slices(static_cast<std::size_t>(seconds) / kSliceSeconds);
  Source source(traffic, prng);
  while (!source.over()) {
    const judge::Request request = source.next();
    const auto index = static_cast<std::size_t>(source.seconds()) / kSliceSeconds;
    if (index >= slices.size()) break;
    ArmSlice& arm =
        request.arm == judge::Arm::kCanary ? slices[index].canary : slices[index].stable;
    arm.requests += 1;
    arm.errors += request.error ? 1 : 0;
  }
  return slices;
}

std::optional<std::uint64_t> rolled_back_after(Peer peer, const std::vector<Slice>& slices) {
  switch (peer) {
    case Peer::kTumbling:
      return checked({kMinute, kMinute, 0.05, 0}, slices);
    case Peer::kSliding:
      return checked({kMinute, 1, 0.05, 0}, slices);
    case Peer::kArgo:
      return checked({5 * kMinute, 5 * kMinute, 0.05, 3}, slices);
    case Peer::kArgoStrict:
      return checked({5 * kMinute, 5 * kMinute, 0.05, 0}, slices);
    case Peer::kFlagger:
      return checked({kMinute, kMinute, 0.01, 4}, slices);
    case Peer::kKayenta:
      if (is_high(points(slices, &Slice::canary), points(slices, &Slice::stable))) {
        return canary_requests(slices, slices.size());
      }
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace ecluse::bench
