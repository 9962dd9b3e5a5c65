#include <unistd.h>

#include <ostream>

#include "api/json.h"
#include "api/wire.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

Verb version_verb() {
  return {"version", "The machine", "Which ecluse this is", [](Arguments& arguments) -> Action {
            auto common = std::make_shared<Common>();
            declare_json(arguments, *common);
            return [common](const Session& session) {
              session.terminal.out
                  << (common->json ? api::json_text(api::Pong{ECLUSE_VERSION, getpid(), {}})
                                   : std::string("ecluse ") + ECLUSE_VERSION)
                  << "\n";
              return static_cast<int>(kDone);
            };
          }};
}

}  // namespace ecluse::cli
