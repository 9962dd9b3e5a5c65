#pragma once
// Every bound of the gateway, by name. docs/gateway.md has the table with what each is for.

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "gateway/http1_chunked.h"
#include "gateway/http1_head.h"

namespace ecluse::gateway {

/// Times in milliseconds, sizes in bytes. 0 switches a bound off only where docs/gateway.md says
/// so.
struct Bounds {
  std::uint64_t start_line_bytes_max = 8192;
  std::uint64_t head_bytes_max = 16384;
  std::uint64_t fields_max = 100;
  std::uint64_t body_bytes_max = 1ULL << 30;
  std::uint64_t chunk_line_bytes_max = 256;
  std::uint64_t trailer_bytes_max = 8192;
  std::uint64_t head_ms_max = 10'000;
  std::uint64_t handshake_ms_max = 10'000;
  std::uint64_t idle_ms_max = 75'000;
  std::uint64_t body_bytes_per_s_min = 128;
  std::uint64_t body_rate_window_ms = 10'000;
  std::uint64_t connect_ms_max = 3'000;
  std::uint64_t answer_ms_max = 120'000;
  std::uint64_t stall_ms_max = 60'000;
  std::uint64_t websocket_idle_ms_max = 3'600'000;
  std::uint64_t linger_ms_max = 2'000;
  std::uint64_t hold_ms_max = 30'000;
  std::uint64_t hold_requests_max = 1'000;
  std::uint64_t hold_bytes_max = 32 << 20;
  std::uint64_t pool_idle_ms_max = 30'000;
  std::uint64_t pool_connections_max = 512;
  std::uint64_t unsafe_reuse_ms_max = 1'000;
  std::uint64_t down_ms = 1'000;
  std::uint64_t eject_failures = 5;
  std::uint64_t eject_ms = 10'000;
  std::uint64_t panic_percent = 50;
  std::uint64_t slow_start_ms = 10'000;
  std::uint64_t retry_percent_max = 20;
  std::uint64_t retry_burst_max = 100;
  std::uint64_t drain_ms_max = 30'000;
  std::uint64_t hand_over_ms_max = 300'000;
  std::uint64_t http2_streams_max = 100;
  std::uint64_t http2_window_bytes = 65'535;
  std::uint64_t http2_control_frames_per_s_max = 200;
  std::uint64_t http2_resets_per_s_max = 100;
  std::uint64_t client_connections_max = 100'000;
  std::uint64_t access_log_bytes_max = 64 << 20;
  std::uint64_t access_log_files_max = 5;
  std::uint64_t address_connections_max = 0;     ///< 0: any number
  std::uint64_t address_requests_per_s_max = 0;  ///< 0: any number

  http1::HeadBounds head() const { return {start_line_bytes_max, head_bytes_max, fields_max}; }
  http1::ChunkBounds chunks() const { return {chunk_line_bytes_max, trailer_bytes_max}; }
};

struct BoundName {
  std::string_view name;
  std::uint64_t Bounds::* member;
  std::uint64_t max;  ///< what our buffers and tables can bear
};
std::span<const BoundName> bound_names();

/// "NAME=NUMBER". Invalid names the nearest bound.
Result<void> set_bound(Bounds& bounds, std::string_view assignment);

}  // namespace ecluse::gateway
