#include <array>

#include "cli/verbs_list.h"

namespace ecluse::cli {

std::span<const Verb> verbs() {
  static const std::array table = {
      deploy_verb(),  promote_verb(), approve_verb(),    rollback_verb(), abort_verb(),
      pause_verb(),   resume_verb(),  releases_verb(),   rollout_verb(),  events_verb(),
      restart_verb(), stop_verb(),    start_verb(),      scale_verb(),    maintenance_verb(),
      remove_verb(),  logs_verb(),    run_verb(),        env_verb(),      secret_verb(),
      db_verb(),      init_verb(),    explain_verb(),    schema_verb(),   check_verb(),
      status_verb(),  up_verb(),      down_verb(),       doctor_verb(),   gc_verb(),
      gateway_verb(), upgrade_verb(), completion_verb(), version_verb(),  shim_verb(),
      judge_verb(),
  };
  return table;
}

}  // namespace ecluse::cli
