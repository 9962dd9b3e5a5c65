#pragma once
// What the gateway must know after a restart: sites with their fences, and latches. The same text
// is kept in shared memory for the next worker process and on disk for the next keeper. Format:
// docs/gateway.md.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/shared_memory.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

struct KnownSite {
  ports::Site site;
  ports::Fence fence;
  bool is_removed = false;  ///< only its fence is kept, so that older decisions stay refused
};

struct GatewayState {
  std::map<model::EnvironmentKey, KnownSite> sites;
  std::vector<Latch> latches;
};

/// A line with version and checksum, then JSON.
std::string state_text(const GatewayState& state);
/// Invalid: the checksum or the shape is wrong.
Result<GatewayState> parse_state_text(std::string_view text);

/// The last good state stays as FILE.prev. Exhausted: the disk is full, the old file stands.
Result<void> save_state(const std::filesystem::path& file, std::string_view text);

struct LoadedState {
  GatewayState state;
  std::string complaint;  ///< not empty: the newest file was unusable, and what was done instead
};
/// No file: an empty state. A damaged one is set aside as FILE.damaged and FILE.prev is taken;
/// Invalid when that one is damaged too, and then nothing was changed.
Result<LoadedState> load_state(const std::filesystem::path& file);

}  // namespace ecluse::gateway
