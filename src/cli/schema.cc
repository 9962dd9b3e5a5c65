#include "config/schema.h"

#include <ostream>

#include "cli/verbs_list.h"

namespace ecluse::cli {

Verb schema_verb() {
  return {"schema", "ecluse.yml", "The JSON Schema of ecluse.yml, for editors",
          [](Arguments& arguments) -> Action {
            auto common = std::make_shared<Common>();
            declare_json(arguments, *common);
            return [common](const Session& session) {
              session.terminal.out << config::json_schema();
              return static_cast<int>(kDone);
            };
          }};
}

}  // namespace ecluse::cli
