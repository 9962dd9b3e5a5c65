// TLS-001: certificates.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

bool makes_certificates(const Subject& subject) {
  return std::ranges::any_of(subject.repository.texts, [](const auto& each) {
    return !each.first.ends_with(".md") &&
           any_of_words(each.second, {"certbot", "acme", "letsencrypt", "openssl req", "mkcert",
                                      "traefik", "lego"});
  });
}

/// The repository's file behind a path in a container, by a mount of the compose file.
bool is_mounted(const Subject& subject, std::string_view path) {
  for (const auto& compose : subject.repository.composes)
    for (const auto& service : compose.services)
      for (const auto& mount : service.volumes) {
        if (!path.starts_with(mount.target)) continue;
        const auto source = join_path(folder_of(compose.path), mount.source);
        const auto there = source + std::string(path.substr(mount.target.size()));
        if (!mount.source.starts_with('.'))
          return true;  // of the host, or a volume: not ours to know
        if (subject.repository.find(there) || subject.repository.find(source)) return true;
      }
  return false;
}

Findings missing_certificate(const Subject& subject) {
  Findings found;
  if (makes_certificates(subject)) return found;
  for (const auto& file : subject.repository.nginxes) {
    std::vector<std::string_view> around;
    for_each_directive(file.directives, around, [&](const Directive& each, const auto&) {
      if (each.name != "ssl_certificate" || each.arguments.empty()) return;
      const auto& path = each.arguments[0];
      const bool variable = path.find('$') != std::string::npos;
      const bool committed = std::ranges::any_of(
          subject.repository.files,
          [&](const FileFact& fact) { return file_name(fact.path) == file_name(path); });
      if (!variable && !committed && !is_mounted(subject, path))
        found.push_back(at(file.path, each.place, path + " does not exist, and nothing makes it"));
    });
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"TLS-001", Severity::kBlock, "A certificate that does not exist",
         "The proxy does not start, so the whole site is down.",
         "Let ecluse's gateway have certificates made (ACME), or mount the real ones.",
         missing_certificate},
};

}  // namespace

std::span<const Rule> delivery_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
