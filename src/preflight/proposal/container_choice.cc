#include "preflight/proposal/container_choice.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/written_folder.h"

namespace ecluse::preflight {

namespace {

/// "/health" of `curl -f http://localhost:8000/health || exit 1`.
std::string page_in(std::string_view test) {
  for (const std::string_view host : {"localhost", "127.0.0.1", "0.0.0.0"}) {
    const auto at = test.find("://" + std::string(host));
    if (at == std::string_view::npos) continue;
    const auto rest = test.substr(at + 3 + host.size());
    const auto slash = rest.find_first_not_of(":0123456789");
    if (slash == std::string_view::npos || rest[slash] != '/') continue;
    const auto path = rest.substr(slash);
    const auto end = std::ranges::find_if(path, [](unsigned char c) {
      return !std::isalnum(c) &&
             std::string_view("/-_.").find(static_cast<char>(c)) == std::string_view::npos;
    });
    return std::string(path.begin(), end);
  }
  return {};
}

std::optional<Proven> page_of(std::string_view test, const std::string& file, Place place) {
  auto page = page_in(test);
  if (page.size() < 2) return std::nullopt;
  return Proven{std::move(page), {file, place, std::string(test)}};
}

std::optional<Proven> page_of_image(const Dockerfile& file) {
  const auto* stage = file.final_stage();
  if (!stage) return std::nullopt;
  for (const auto* each : file.inherited(*stage))
    if (each->name == "HEALTHCHECK")
      if (auto page = page_of(each->text, file.path, each->place)) return page;
  return std::nullopt;
}

/// The repository's folder that a service of ours is built from; nothing for other images.
std::optional<std::string> own_folder(const Compose& compose, const ComposeService& service) {
  if (!service_runs_ours(service)) return std::nullopt;
  return service.context ? join_path(folder_of(compose.path), *service.context)
                         : std::string(folder_of(compose.path));
}

/// "media" of "/app/media", wherever the image keeps the app.
std::optional<std::string> folder_inside(std::string_view target) {
  for (const std::string_view top :
       {"/usr/src/app/", "/home/app/web/", "/home/app/", "/app/", "/code/", "/src/", "/web/"})
    if (target.starts_with(top)) {
      auto folder = std::string(target.substr(top.size()));
      while (folder.ends_with('/')) folder.pop_back();
      const bool plain = !folder.empty() && folder.find("..") == std::string::npos;
      return plain ? std::optional(folder) : std::nullopt;
    }
  return std::nullopt;
}

/// Made by the build or a release job, and given to another container by that volume.
bool is_made_anew(const Proposal& out, const std::string& folder) {
  static constexpr std::array kMade = {"node_modules", ".next", "static", "staticfiles",
                                       "static_root",  "dist",  "build",  "venv"};
  if (std::ranges::find(kMade, file_name(folder)) != kMade.end()) return true;
  return std::ranges::any_of(out.parts, [&](const Part& part) {
    return std::ranges::any_of(part.static_folders, [&](const auto& each) {
      return in_folder(part.folder, each.second.value) == folder;
    });
  });
}

void keep(const Repository& repository, const std::string& base, const ComposeMount& mount,
          const std::string& file, Proposal& out) {
  const auto inside = folder_inside(mount.target);
  if (mount.is_path() || mount.source.empty() || mount.read_only || !inside) return;
  const auto folder = in_folder(base, *inside);
  const bool known = std::ranges::any_of(
      out.volumes, [&](const auto& each) { return each.second.value == "/app/" + folder; });
  if (known || is_made_anew(out, folder) || holds_files(repository, folder)) return;
  out.volumes.try_emplace(
      app_name(file_name(folder)),
      Proven{"/app/" + folder, {file, mount.place, mount.source + ":" + mount.target}});
}

}  // namespace

std::optional<Proven> checked_page(const Repository& repository, const Stack& stack,
                                   const Part& part) {
  for (const auto* compose : stack.composes)
    for (const auto& service : compose->services)
      if (own_folder(*compose, service) == part.root)
        if (auto page = page_of(service.health_test, compose->path, service.health_place))
          return page;
  const auto* file = repository.find_dockerfile(part.command.why.path);
  return file ? page_of_image(*file) : std::nullopt;
}

void propose_kept_folders(const Repository& repository, const Stack& stack, Proposal& out) {
  for (const auto* compose : stack.composes)
    for (const auto& service : compose->services)
      if (const auto base = own_folder(*compose, service))
        for (const auto& mount : service.volumes)
          keep(repository, *base, mount, compose->path, out);
}

}  // namespace ecluse::preflight
