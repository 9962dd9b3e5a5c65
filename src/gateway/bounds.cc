#include "gateway/bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <vector>

#include "base/text.h"

namespace ecluse::gateway {

namespace {
constexpr std::uint64_t kAny = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kDayMs = 86'400'000;

constexpr auto kNames = std::to_array<BoundName>({
    {"start_line_bytes_max", &Bounds::start_line_bytes_max, 16384},
    {"head_bytes_max", &Bounds::head_bytes_max, 24576},
    {"fields_max", &Bounds::fields_max, http1::kFieldsRoom},
    {"body_bytes_max", &Bounds::body_bytes_max, kAny},
    {"chunk_line_bytes_max", &Bounds::chunk_line_bytes_max, 16384},
    {"trailer_bytes_max", &Bounds::trailer_bytes_max, 1 << 20},
    {"head_ms_max", &Bounds::head_ms_max, kDayMs},
    {"handshake_ms_max", &Bounds::handshake_ms_max, kDayMs},
    {"idle_ms_max", &Bounds::idle_ms_max, kDayMs},
    {"body_bytes_per_s_min", &Bounds::body_bytes_per_s_min, kAny},
    {"body_rate_window_ms", &Bounds::body_rate_window_ms, kDayMs},
    {"connect_ms_max", &Bounds::connect_ms_max, kDayMs},
    {"answer_ms_max", &Bounds::answer_ms_max, kDayMs},
    {"stall_ms_max", &Bounds::stall_ms_max, kDayMs},
    {"websocket_idle_ms_max", &Bounds::websocket_idle_ms_max, 30 * kDayMs},
    {"linger_ms_max", &Bounds::linger_ms_max, kDayMs},
    {"hold_ms_max", &Bounds::hold_ms_max, kDayMs},
    {"hold_requests_max", &Bounds::hold_requests_max, 1'000'000},
    {"pool_idle_ms_max", &Bounds::pool_idle_ms_max, kDayMs},
    {"pool_connections_max", &Bounds::pool_connections_max, 65536},
    {"unsafe_reuse_ms_max", &Bounds::unsafe_reuse_ms_max, kDayMs},
    {"down_ms", &Bounds::down_ms, kDayMs},
    {"eject_failures", &Bounds::eject_failures, 1'000'000},
    {"eject_ms", &Bounds::eject_ms, kDayMs},
    {"panic_percent", &Bounds::panic_percent, 100},
    {"slow_start_ms", &Bounds::slow_start_ms, kDayMs},
    {"retry_percent_max", &Bounds::retry_percent_max, 100},
    {"retry_burst_max", &Bounds::retry_burst_max, 1'000'000},
    {"drain_ms_max", &Bounds::drain_ms_max, kDayMs},
    {"hand_over_ms_max", &Bounds::hand_over_ms_max, kDayMs},
    {"http2_streams_max", &Bounds::http2_streams_max, 10'000},
    {"http2_window_bytes", &Bounds::http2_window_bytes, 16 << 20},
    {"http2_control_frames_per_s_max", &Bounds::http2_control_frames_per_s_max, 1'000'000},
    {"http2_resets_per_s_max", &Bounds::http2_resets_per_s_max, 1'000'000},
    {"client_connections_max", &Bounds::client_connections_max, 10'000'000},
    {"access_log_bytes_max", &Bounds::access_log_bytes_max, kAny},
    {"access_log_files_max", &Bounds::access_log_files_max, 1000},
    {"address_connections_max", &Bounds::address_connections_max, 10'000'000},
    {"address_requests_per_s_max", &Bounds::address_requests_per_s_max, 1'000'000},
    // At the end: a worker process of another version counts hits by these places, too.
    {"hold_bytes_max", &Bounds::hold_bytes_max, kAny},
});

tl::unexpected<Error> unknown(std::string_view name) {
  std::vector<std::string> names;
  for (const BoundName& known : kNames) names.emplace_back(known.name);
  const auto near = nearest(name, names);
  return fail(ErrorKind::kInvalid, fmt::format("there is no bound named '{}'", printable(name)),
              near ? fmt::format("did you mean '{}'?", *near) : "docs/gateway.md lists them");
}
}  // namespace

std::span<const BoundName> bound_names() {
  return kNames;
}

Result<void> set_bound(Bounds& bounds, std::string_view assignment) {
  const std::size_t equals = std::min(assignment.find('='), assignment.size());
  const std::string_view name = assignment.substr(0, equals);
  const auto* const known = std::ranges::find(kNames, name, &BoundName::name);
  if (known == kNames.end()) return unknown(name);
  std::string_view digits = assignment.substr(equals);
  if (!digits.empty()) digits.remove_prefix(1);
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_number = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  if (!is_number || digits.empty() || value > known->max) {
    return fail(ErrorKind::kInvalid, fmt::format("bound {} is a number from 0 to {}, not '{}'",
                                                 name, known->max, printable(digits)));
  }
  bounds.*(known->member) = value;
  return {};
}

}  // namespace ecluse::gateway
