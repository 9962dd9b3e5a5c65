#pragma once
// What a running gateway says of the machine it runs on. For `ecluse doctor`.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ecluse::gateway {

struct Condition {
  std::uint64_t descriptors = 0;   ///< how many it may have
  std::uint64_t clients_max = 0;   ///< connections of clients
  std::vector<std::string> lacks;  ///< "splice: large bodies are copied"
};

/// Blocking, at most `patience`. Unavailable: nobody answers at `control`.
Result<Condition> ask_condition(const std::filesystem::path& control, Duration patience);

}  // namespace ecluse::gateway
