#include "model/spec.h"

#include <algorithm>

namespace ecluse::model {

namespace {
template <typename Named>
const Named* find_named(const std::vector<Named>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &Named::name);
  return found == all.end() ? nullptr : &*found;
}
}  // namespace

const ProcessSpec* EnvironmentSpec::find_process(std::string_view process) const {
  return find_named(processes, process);
}

const EnvironmentSpec* AppSpec::find_environment(std::string_view environment) const {
  return find_named(environments, environment);
}

}  // namespace ecluse::model
