#pragma once
// The services of a compose file, in the forms that Docker Compose takes. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/yaml.h"

namespace ecluse::preflight {

struct ComposePort {
  std::string address;    ///< "" : every interface
  std::string published;  ///< "" : any
  std::string target;
  Place place;
};

struct ComposeMount {
  std::string source;  ///< "" : anonymous; a path begins with . / ~ or $
  std::string target;
  bool read_only = false;
  Place place;

  bool is_path() const;
};

struct ComposeVariable {
  std::string name;
  std::optional<std::string> value;  ///< absent: taken from the caller's environment
  Place place;
};

struct ComposeService {
  std::string name;
  std::string image;
  std::optional<std::string> context;  ///< of `build`
  std::string dockerfile;
  std::string target;
  std::vector<ComposeVariable> build_arguments;
  std::vector<std::string> command;  ///< a text is one element "sh -c" style: {"sh", "-c", TEXT}
  bool command_list = false;         ///< written as a list
  std::vector<std::string> entrypoint;
  std::vector<ComposePort> ports;
  std::vector<ComposeMount> volumes;
  std::vector<ComposeVariable> environment;
  std::vector<std::pair<std::string, Place>> env_files;
  std::vector<std::string> depends_on;
  std::vector<std::string> profiles;
  std::string health_test;  ///< words joined by spaces; "" : none
  bool has_health = false;
  bool health_disabled = false;
  bool privileged = false;
  bool init = false;  ///< Docker's own process 1 passes signals on
  bool host_network = false;
  int replicas = 1;
  Place place;
  Place image_place;
  Place command_place;
  Place health_place;
  Place privileged_place;
  Place replicas_place;

  const ComposeVariable* find_variable(std::string_view variable) const;
  bool mounts(std::string_view source) const;
  /// The command as one line, without the shell that runs it.
  std::string command_line() const;
};

struct Compose {
  std::string path;
  std::vector<ComposeService> services;
  std::vector<std::string> volumes;  ///< named ones, of the top level
  bool development = false;          ///< its name or its commands say so
  /// It starts what only whoever writes the program wants: `runserver`, `--reload`, `npm run dev`.
  bool runs_development = false;

  const ComposeService* find(std::string_view service) const;
};

/// Path of the Dockerfile that `service` is built from; "" when it is built from none of ours.
std::string built_from(const Compose& compose, const ComposeService& service);

bool is_compose_name(std::string_view file_name);
Compose read_compose(std::string_view path, const Yaml& root);

}  // namespace ecluse::preflight
