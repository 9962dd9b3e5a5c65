#pragma once
// The object that a Python server loads, found in the syntax trees. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

struct PythonObject {
  Framework framework = Framework::kFlask;
  std::string path;
  std::string root;    ///< folder that it is imported from
  std::string module;  ///< "shop.main"
  std::string name;    ///< "app", "server", "create_app()"
  Place place;
};

/// The most likely first: shallow files before deep ones, usual names before others, objects before
/// the functions that make them.
std::vector<PythonObject> python_objects(const Repository& repository, const Stack& stack);

/// Is "shop.wsgi:application" importable from `root`?
bool module_exists_in(const Repository& repository, const std::string& root,
                      std::string_view target);

}  // namespace ecluse::preflight
