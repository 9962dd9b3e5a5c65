#pragma once
// What ecluse remembers beside a service's data: which engine made it (docs/services.md).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/spec.h"

namespace ecluse::services {

struct ServiceLabel {
  model::ServiceKind kind = model::ServiceKind::kPostgres;
  std::string major;          ///< of the engine that made the data: "15"
  std::uint16_t port = 0;     ///< what it listens on
  std::uint32_t attempt = 1;  ///< of making the data; the next one after a failure
  bool initialised = false;   ///< the data exists: never made again
  bool operator==(const ServiceLabel&) const = default;
};

std::string_view name_of(model::ServiceKind kind);

/// Nothing when there is none yet. Internal: damaged; nothing is overwritten.
Result<std::optional<ServiceLabel>> read_label(const std::filesystem::path& folder);
Result<void> write_label(const std::filesystem::path& folder, const ServiceLabel& label);

}  // namespace ecluse::services
