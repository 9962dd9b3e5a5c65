#include "gateway/condition.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gateway/control_line.h"
#include "gateway/kernel_features.h"

namespace ecluse::gateway {

using nlohmann::json;

Result<Condition> ask_condition(const std::filesystem::path& control, Duration patience) {
  ControlLine line(control, patience);
  ECLUSE_ASSIGN(const json said, line.call({{"op", "itself"}}));
  Condition condition{.descriptors = said.value("descriptors", std::uint64_t{0}),
                      .clients_max = said.value("clients_max", std::uint64_t{0})};
  const json kernel = said.value("kernel", json::object());  // an older gateway says nothing of it
  for (const KernelFeature& one : kKernelFeatures) {
    if (kernel.value(std::string(one.name), true)) continue;
    condition.lacks.push_back(fmt::format("{}: {}", one.name, one.instead));
  }
  return condition;
}

}  // namespace ecluse::gateway
