#pragma once
// Where Python finds what a program of the repository imports. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// The folder at or below `top` that `path` is started in: "src" where src/main.py says `from
/// routes import x` and src/routes is there; `top` where its imports tell nothing else.
std::string import_root(const Repository& repository, const std::string& top,
                        const std::string& path);

/// The folder at or below `top` that "shop.wsgi:application" is importable from; nothing where
/// there is none, or several.
std::optional<std::string> folder_of_module(const Repository& repository, const std::string& top,
                                            std::string_view target);

/// The folder of the repository that an image or a compose file puts on PYTHONPATH.
std::optional<Proven> python_path(const Repository& repository, const Stack& stack);

}  // namespace ecluse::preflight
