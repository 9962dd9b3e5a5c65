#include "control/instance_log.h"

namespace ecluse::control {

namespace {
ports::LogChunk as_people_see_it(const ports::Secrets& secrets, const ports::LogChunk& chunk) {
  const std::string_view settled =
      std::string_view(chunk.text).substr(0, secrets.settled(chunk.text));
  return {secrets.redact(settled), chunk.next_offset - (chunk.text.size() - settled.size())};
}
}  // namespace

Result<ports::LogChunk> instance_log(const Ports& ports, const std::string& instance,
                                     const ports::LogQuery& query) {
  ECLUSE_ASSIGN(const auto written, ports.runtime.logs(instance, query));
  auto seen = as_people_see_it(ports.secrets, written);
  const bool is_half_a_value = seen.text.empty() && !written.text.empty();
  if (!is_half_a_value || query.wait <= Duration::zero()) return seen;
  ECLUSE_TRY(
      ports.runtime.logs(instance, {.from_offset = written.next_offset, .wait = query.wait}));
  ECLUSE_ASSIGN(const auto more,
                ports.runtime.logs(instance, {query.lines_max, query.from_offset, {}}));
  return as_people_see_it(ports.secrets, more);
}

}  // namespace ecluse::control
