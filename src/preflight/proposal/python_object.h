#pragma once
// The object that a Python server loads, found in the syntax trees. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

struct PythonObject {
  Framework framework = Framework::kFlask;
  std::string path;
  std::string root;    ///< folder whose manifest it is built by
  std::string folder;  ///< folder at or below it that it is imported from
  std::string module;  ///< "shop.main"
  std::string name;    ///< "app", "server", "create_app()"
  Place place;
};

/// The most likely first: those of the files that start commands name, shallow files before deep
/// ones, usual names before others, objects before the functions that make them.
std::vector<PythonObject> python_objects(const Repository& repository, const Stack& stack,
                                         const std::vector<std::string>& started);

}  // namespace ecluse::preflight
