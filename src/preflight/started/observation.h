#pragma once
// What was seen of an app that runs. Plain values; judged by findings_of().

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ecluse::preflight {

/// One database as the app itself names it, without its password.
struct SeenDatabase {
  std::string alias;   ///< "default"; empty for the others
  std::string engine;  ///< "django.db.backends.sqlite3", "postgresql+psycopg"
  std::string name;    ///< of the database, or the file

  bool operator==(const SeenDatabase&) const = default;
};

struct SeenPage {
  std::string path;
  std::string host;
  int status = 0;  ///< 0: no answer
};

struct Observations {
  std::string asked_by;  ///< "Django", "SQLAlchemy", "Prisma"; empty: the app could not be asked
  std::vector<SeenDatabase> databases;

  std::vector<SeenPage> own_hosts;       ///< the first page by each host of the environment
  std::optional<SeenPage> foreign_host;  ///< the same by a host nobody has
  std::vector<SeenPage> assets;          ///< what the first page refers to
  std::string debugger;                  ///< what answered like one: "Django's debug page"

  std::optional<SeenPage> health;                   ///< while all is well
  std::optional<SeenPage> health_without_database;  ///< the same while no database answers

  std::optional<unsigned> user;            ///< user id of its first process
  std::vector<std::string> in_arguments;   ///< names of secrets seen in a command line
  std::vector<std::string> in_output;      ///< names of secrets seen in what it printed
  bool traced = false;                     ///< which variables it read is known
  std::set<std::string> read;              ///< "*": it read them all
  std::chrono::milliseconds stop_took{};   ///< from SIGTERM to the end
  std::chrono::milliseconds stop_given{};  ///< after which it was killed; 0: not tried

  std::vector<std::string> not_seen;  ///< what could not be looked at, and why
};

}  // namespace ecluse::preflight
