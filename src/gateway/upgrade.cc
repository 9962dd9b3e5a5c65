#include "gateway/upgrade.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "gateway/control_line.h"

namespace ecluse::gateway {

using nlohmann::json;

Result<void> upgrade(const std::filesystem::path& control, unsigned workers, Duration patience) {
  constexpr std::chrono::milliseconds kBetweenLooks{50};
  ControlLine line(control, std::min(patience, Duration(5000)));
  const auto deadline = std::chrono::steady_clock::now() + patience;
  ECLUSE_ASSIGN(const json asked, line.call({{"op", "upgrade"}, {"workers", workers}}));
  const auto former = asked.at("generation").get<std::uint64_t>();
  while (std::chrono::steady_clock::now() < deadline) {
    ECLUSE_ASSIGN(const json now, line.call({{"op", "itself"}}));
    if (now.at("generation").get<std::uint64_t>() > former) return {};
    if (const auto why = now.at("refusal").get<std::string>(); !why.empty()) {
      return fail(ErrorKind::kConflict, "the upgrade failed, the former gateway serves on: " + why,
                  "the gateway's log says more");
    }
    std::this_thread::sleep_for(kBetweenLooks);  // the answer comes from another process each time
  }
  return fail(ErrorKind::kTimeout, "the newer gateway did not serve in time; the log says more");
}

}  // namespace ecluse::gateway
