#include "preflight/proposal/built_pages.h"

#include <array>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"

namespace ecluse::preflight {

namespace {

struct PageTool {
  std::string_view package;
  std::string_view folder;
};
/// Those that others are built on come last.
constexpr std::array kPageTools = {PageTool{"@sveltejs/adapter-static", "build"},
                                   PageTool{"astro", "dist"},
                                   PageTool{"gatsby", "public"},
                                   PageTool{"@11ty/eleventy", "_site"},
                                   PageTool{"@vue/cli-service", "dist"},
                                   PageTool{"react-scripts", "build"},
                                   PageTool{"parcel", "dist"},
                                   PageTool{"vite", "dist"}};

/// "site" of a line with `outDir: 'site'`; "" of a comment, and of what is no text.
std::string value_in(std::string_view line, std::string_view key) {
  const auto at = line.find(std::string(key) + ":");
  if (at == std::string_view::npos || trim(line).starts_with("//")) return {};
  const auto rest = trim(line.substr(at + key.size() + 1));
  if (!rest.starts_with('\'') && !rest.starts_with('"')) return {};
  return std::string(rest.substr(1, rest.find(rest[0], 1) - 1));
}

/// Of the settings file `name.js`, whatever its kind of JavaScript.
std::string setting(const Repository& repository, std::string_view folder, std::string_view name,
                    std::string_view key) {
  for (const auto* end : {".js", ".ts", ".mjs", ".cjs", ".mts"})
    for (const auto line : lines_of(repository.text(in_folder(folder, std::string(name) + end))))
      if (auto value = value_in(line, key); !value.empty()) return value;
  return {};
}

/// Vite builds their pages, too, for the server that renders the rest.
bool is_rendered_by_server(const Manifest& manifest) {
  const bool kit = manifest.find("@sveltejs/kit") && !manifest.find("@sveltejs/adapter-static");
  return kit || manifest.find("solid-start") || manifest.find("@solidjs/start");
}

bool is_inside(std::string_view folder) {
  return !folder.empty() && !folder.starts_with('/') && folder.find("..") == folder.npos;
}

}  // namespace

std::optional<std::string> built_pages(const Repository& repository, const Manifest& manifest) {
  const auto* build = manifest.find_script("build");
  if (!build) return std::nullopt;
  const auto folder = folder_of(manifest.path);
  if (manifest.find("next")) {
    const bool exported = setting(repository, folder, "next.config", "output") == "export";
    return exported ? std::optional<std::string>("out") : std::nullopt;
  }
  if (build->command.find("nuxt generate") != std::string::npos) return ".output/public";
  if (is_rendered_by_server(manifest)) return std::nullopt;
  for (const auto& tool : kPageTools) {
    if (!manifest.find(tool.package)) continue;
    const auto own =
        tool.package == "vite" ? setting(repository, folder, "vite.config", "outDir") : "";
    return is_inside(own) ? own : std::string(tool.folder);
  }
  return std::nullopt;
}

}  // namespace ecluse::preflight
