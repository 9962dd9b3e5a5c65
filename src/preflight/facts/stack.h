#pragma once
// What a repository is made of, concluded once from its facts: which parts serve, by which
// framework, what starts them in production. Rules and init read it. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/repository.h"

namespace ecluse::preflight {

enum class Framework {
  kDjango,
  kFlask,
  kFastapi,
  kStreamlit,
  kDash,
  kExpress,
  kNext,
  kNode,
  kStatic,
  kProgram  ///< `python server.py` without any of these
};
std::string_view to_string(Framework framework);

/// A Django project: one manage.py.
struct Django {
  std::string root;             ///< where its modules are found: manage.py's folder, or that above
  std::string manage;           ///< path of manage.py
  std::string manage_settings;  ///< the module manage.py names
  std::string wsgi;             ///< path of wsgi.py; "" when there is none
  std::string wsgi_settings;
  Place wsgi_settings_place;
  std::vector<const CodeFile*> settings;  ///< base first; those for development and tests left out

  /// The last assignment of a setting in production; null when there is none.
  struct Setting {
    const CodeFile* file;
    const Assignment* assignment;
  };
  std::optional<Setting> setting(std::string_view name) const;
};

/// An application object: `app = Flask(__name__)`, or an entry file.
struct Application {
  Framework framework = Framework::kFlask;
  std::string path;
  std::string object;  ///< "app", "create_app()"
  Place place;
};

struct HealthRoute {
  std::string path;      ///< of the file
  std::string route;     ///< "/health"
  std::string handler;   ///< function, where it is known
  std::string function;  ///< its source, cut, where it stands in the route itself
  Place place;
};

struct Stack {
  std::vector<Django> djangos;
  std::vector<Application> applications;
  std::vector<HealthRoute> health;
  std::vector<const Dockerfile*> dockerfiles;  ///< those for production
  std::vector<const Compose*> composes;        ///< those for production
  bool serves = false;                         ///< anything that answers HTTP was found

  bool has(Framework framework) const;
};

/// `repository` must outlive the result.
Stack conclude(const Repository& repository);

/// Built from the repository, or an interpreter's image that is given its program by a mount.
bool service_runs_ours(const ComposeService& service);

/// Below `if DEBUG:` and the like, not in its else.
bool is_for_development(const Scope& scope);

/// The words of an exec form as one line of shell: `gunicorn 'shop:create_app()'`.
std::string shell_text(const std::vector<std::string>& argv);

/// What a container of this image and service runs, as one line of shell: CMD and ENTRYPOINT, with
/// the text of an entrypoint script of the repository behind it.
std::string start_text(const Repository& repository, const Dockerfile& file, const Stage& stage);
/// Where a build of the file takes its files from: by a compose file, by what it copies, or the
/// file's own folder.
std::string build_context(const Repository& repository, const Dockerfile& file);
/// Does what a service is told to run reach anything? Not behind an ENTRYPOINT whose script asks
/// for no arguments.
bool hears_command(const Repository& repository, const Compose& compose,
                   const ComposeService& service);
/// The script of the repository that an ENTRYPOINT or CMD starts; null when it starts none.
const ScriptFile* started_script(const Repository& repository, const Dockerfile& file,
                                 const std::vector<std::string>& argv);
/// The same of a compose service's `command` or `entrypoint`.
const ScriptFile* started_script(const Repository& repository, const Compose& compose,
                                 const ComposeService& service);

}  // namespace ecluse::preflight
