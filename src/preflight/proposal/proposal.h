#pragma once
// What ecluse.yml could say about a repository, each conclusion with what it was read from. Pure: a
// value made from facts, written out by write.h.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "preflight/facts/stack.h"

namespace ecluse::preflight {

struct Evidence {
  std::string path;  ///< "" : a default of ecluse, `seen` says why
  Place place;
  std::string seen;
};

/// A value and what it rests on.
struct Proven {
  std::string value;
  Evidence why;
};

struct BuildProposal {
  std::string kind;  ///< "python", "uv", "poetry", "node"; "" : the tree is taken as it is
  Proven source;     ///< "requirements.txt", "yes"
  std::optional<Proven> version;  ///< the Python without which "pyproject.toml" is not installed
  std::optional<Proven> prefer;   ///< the Python that the project is written for
  std::vector<Proven> run;
  std::vector<std::string> per_environment;
  std::vector<Proven> packages;  ///< installed besides: the server that no manifest declares
};

/// One process that answers HTTP.
struct Part {
  Framework framework = Framework::kStatic;
  std::string name;    ///< "web", "api"
  std::string root;    ///< its folder; "" at the top
  std::string folder;  ///< where it is started, at or below `root`
  std::string below;   ///< of `folder`, where its command goes first
  BuildProposal build;
  Proven command;
  std::optional<Proven> port;  ///< absent: it listens on $PORT
  std::optional<Proven> ready;
  std::vector<Proven> routes;
  std::map<std::string, Proven> static_folders;  ///< URL prefix to folder
  bool one_visitor_one_instance = false;         ///< sessions live in an instance's memory
};

/// "backend/shop" of a part that is built in backend/ and started in shop/ below.
std::string started_folder(const Part& part);

/// What will be missing when it runs, and what to do about it.
struct Gap {
  std::string what;
  std::string next;
  Evidence why;
};

/// A database or cache.
struct ServiceProposal {
  Proven kind;
  std::optional<Proven> driver;  ///< that SQLAlchemy must be told of by the address
};

struct Proposal {
  std::string app;
  std::vector<Part> parts;  ///< empty: nothing that serves was found
  std::vector<Proven> checks;
  std::vector<Proven> release;
  std::map<std::string, ServiceProposal> services;
  std::map<std::string, Proven> volumes;
  std::map<std::string, Proven> env;
  std::vector<Proven> secrets;
  Proven host;  ///< of prod
  Proven preprod_host;
  std::vector<Gap> asks;  ///< `what` is a variable's name whose value nobody but a person knows
  std::vector<Gap> gaps;
};

/// `folder_name` is what the repository's folder is called: the app's name, where nothing better is
/// known. `repository` must be the one that `stack` was concluded from.
Proposal propose(const Repository& repository, const Stack& stack, std::string_view folder_name);

/// "My_Shop.v2" as a name that ecluse.yml takes: "my-shop-v2".
std::string app_name(std::string_view folder_name);

}  // namespace ecluse::preflight
