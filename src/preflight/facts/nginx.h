#pragma once
// An nginx configuration as nested directives. Own reader: none is kept outside nginx. Pure, total.

#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/place.h"

namespace ecluse::preflight {

struct Directive {
  std::string name;
  std::vector<std::string> arguments;
  std::vector<Directive> block;
  bool has_block = false;
  Place place;
};

struct Nginx {
  std::string path;
  std::vector<Directive> directives;
};

constexpr int kNginxDepthMax = 32;
constexpr std::size_t kDirectivesMax = 5'000;

bool is_nginx_path(std::string_view path);
Nginx read_nginx(std::string_view path, std::string_view text);

/// Every directive, parents first, with the names of the blocks around it ("http", "server").
template <typename Visit>
void for_each_directive(const std::vector<Directive>& list, std::vector<std::string_view>& around,
                        Visit visit) {
  for (const auto& each : list) {
    visit(each, around);
    around.push_back(each.name);
    for_each_directive(each.block, around, visit);
    around.pop_back();
  }
}

}  // namespace ecluse::preflight
