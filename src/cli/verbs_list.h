#pragma once
// One function per verb, each in the file of its name.

#include "cli/verb.h"

namespace ecluse::cli {

Verb up_verb();
Verb down_verb();
Verb status_verb();
Verb doctor_verb();
Verb deploy_verb();
Verb promote_verb();
Verb approve_verb();
Verb rollback_verb();
Verb abort_verb();
Verb pause_verb();
Verb resume_verb();
Verb releases_verb();
Verb rollout_verb();
Verb events_verb();
Verb restart_verb();
Verb stop_verb();
Verb remove_verb();
Verb start_verb();
Verb scale_verb();
Verb maintenance_verb();
Verb logs_verb();
Verb run_verb();
Verb env_verb();
Verb secret_verb();
Verb db_verb();
Verb explain_verb();
Verb schema_verb();
Verb init_verb();
Verb check_verb();
Verb gc_verb();
Verb gateway_verb();
Verb upgrade_verb();
Verb judge_verb();
Verb shim_verb();
Verb completion_verb();
Verb version_verb();

}  // namespace ecluse::cli
