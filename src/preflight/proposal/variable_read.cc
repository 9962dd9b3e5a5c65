#include "preflight/proposal/variable_read.h"

#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {
bool for_development(const Scope& scope) {
  const auto lower = to_lower(scope.condition);
  return !lower.starts_with("not ") && any_of_words(lower, {"debug", "dev", "test", "local"});
}
}  // namespace

Evidence VariableRead::why() const {
  return {file->path, read->place, read->spelling + " " + read->name};
}

std::vector<VariableRead> production_reads(const Repository& repository) {
  std::vector<VariableRead> reads;
  for (const auto& file : repository.code) {
    if (!is_production_code(file)) continue;
    for (const auto& read : file.reads)
      if (!for_development(read.scope)) reads.push_back({&file, &read});
  }
  return reads;
}

}  // namespace ecluse::preflight
