#pragma once
// What a request's body may hold, one struct per shape. docs/api.md shows them as JSON; api/json.cc
// names their fields. The actor is never among them: the server knows who is on the other side.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/key.h"
#include "ports/database_move.h"

namespace ecluse::api {

struct DeployBody {
  std::string repository;
  std::string ref = "HEAD";
  std::string environment;
  std::string skip_checks_reason;
  std::string without_backup;
};
struct ReasonBody {
  std::string reason;
};
struct ConfirmBody {
  std::string reason;
  std::string confirmation;
  std::string without_backup;  ///< of a promotion
};
struct RollbackBody {
  std::string reason;
  std::optional<model::ReleaseNumber> release;
};
struct ScaleBody {
  std::string reason;
  std::map<std::string, int> instances;
};
struct MaintenanceBody {
  std::string reason;
  std::optional<bool> on;
};
struct RemoveBody {
  std::string reason;
  bool delete_data = false;
};
struct RunBody {
  std::string reason;
  std::vector<std::string> argv;
};
struct MoveBody {
  std::string reason;
  std::string source;
  bool dry_run = false;
  bool replace = false;
  bool drop_nul = false;
  std::vector<std::string> without;
};
struct SecretBody {
  std::string reason;
  std::optional<std::string> value;
};
struct ReclaimBody {
  bool dry_run = false;
};

/// Answers that are not one of control's views.
struct Pong {
  std::string version;
  int pid = 0;
  std::string data;  ///< its data folder
};
struct SecretVersion {
  std::string name;
  std::uint32_t version = 0;
};
struct Reclaimed {
  std::uint64_t bytes = 0;
  bool dry_run = false;
};
struct Done {
  bool ok = true;
};
/// One line of a streamed run: exactly one of the three.
struct RunLine {
  std::optional<std::string> line;
  std::optional<int> exit_code;
};
/// One line of a streamed move: exactly one of the three, an error being the third.
struct MoveLine {
  std::optional<std::string> line;
  std::optional<ports::MoveReport> report;
};
/// One line of `ecluse logs --json`.
struct LogLine {
  std::string source;
  std::string line;
};
/// One line of `ecluse doctor --json`.
struct Examined {
  std::string what;
  bool ok = false;
  bool essential = false;
  std::string detail;
  std::string consequence;
  std::string remedy;
};

}  // namespace ecluse::api
