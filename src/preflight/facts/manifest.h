#pragma once
// What a project says it depends on: requirements.txt, pyproject.toml, Pipfile, package.json. Pure.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/place.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

enum class ManifestKind { kRequirements, kPyproject, kPipfile, kSetup, kNode };

struct Dependency {
  std::string name;     ///< lower case, "_" and "." as "-" for Python (PEP 503)
  std::string version;  ///< "==4.2.1", "^14", ""
  bool development = false;
  Place place;
};

struct Script {
  std::string name;
  std::string command;
  Place place;
};

struct Manifest {
  std::string path;
  ManifestKind kind = ManifestKind::kRequirements;
  std::vector<Dependency> dependencies;
  std::vector<Script> scripts;        ///< of package.json
  std::vector<std::string> includes;  ///< of `-r other.txt`
  std::string python;                 ///< what version of Python is asked for
  Place python_place;
  std::string engines_node;
  std::string main;         ///< of package.json: "server.js"
  std::string config_port;  ///< of its `config`, which `npm start` would make a variable of
  bool workspaces = false;  ///< a monorepo's top
  bool utf16 = false;
  bool broken = false;  ///< not what its name says

  const Dependency* find(std::string_view name) const;
  const Script* find_script(std::string_view name) const;
};

/// "requirements.txt", "web/package.json", "requirements/prod.txt"; of other files nothing is read.
bool is_manifest_path(std::string_view path);
Manifest read_manifest(std::string_view path, const TextFile& file);

std::string normal_name(std::string_view package);

}  // namespace ecluse::preflight
