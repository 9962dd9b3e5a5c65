#include "cli/verbs_list.h"

namespace ecluse::cli {

Verb shim_verb() {
  return {"shim", "The machine", "The role beside each instance; ecluse starts it itself",
          [](Arguments& arguments) -> Action {
            auto words = std::make_shared<std::vector<std::string>>();
            arguments.words("ARGUMENT", *words, "As the process runtime gives them");
            return [words](const Session& session) { return session.roles.shim(*words); };
          }};
}

}  // namespace ecluse::cli
