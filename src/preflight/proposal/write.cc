#include "preflight/proposal/write.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

constexpr const char* kWithServer = "requirements-ecluse.txt";
constexpr std::size_t kSentenceBytesMax = 400;

/// A text as YAML reads it back: quoted where a bare word might be a number, a truth or a sign.
/// A control character, which ecluse.yml refuses, becomes a blank: nothing that starts has one.
std::string scalar(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
  const bool plain =
      !text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) && !text.ends_with(' ') &&
      std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) ||
               std::string_view(" _-./=$@").find(static_cast<char>(c)) != std::string_view::npos;
      });
  const auto lower = to_lower(text);
  const bool word = lower == "yes" || lower == "no" || lower == "true" || lower == "false" ||
                    lower == "on" || lower == "off" || lower == "null" || lower == "y" ||
                    lower == "n";
  if (plain && !word) return text;
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Values of `build:` are words, paths and versions.
std::string build_value(const BuildProposal& build) {
  if (!build.packages.empty()) return kWithServer;
  return build.source.value == "yes" ? "yes" : scalar(build.source.value);
}

std::string runs(const std::vector<Proven>& list) {
  std::vector<std::string> texts;
  for (const auto& each : list) texts.push_back(scalar(each.value));
  return "[" + join(texts, ", ") + "]";
}

std::string build_line(const BuildProposal& build) {
  auto line = fmt::format("{{{}: {}", build.kind, build_value(build));
  if (build.version) line += fmt::format(", version: \"{}\"", build.version->value);
  if (build.prefer) line += fmt::format(", prefer: \"{}\"", build.prefer->value);
  if (!build.run.empty()) line += ", run: " + runs(build.run);
  if (!build.per_environment.empty())
    line += ", per_environment: [" + join(build.per_environment, ", ") + "]";
  return line + "}";
}

std::string process(const Part& part) {
  std::string text = fmt::format("  {}:\n", part.name);
  if (!part.folder.empty()) text += fmt::format("    root: {}\n", scalar(part.folder));
  if (!part.build.kind.empty() && !part.root.empty())
    text += fmt::format("    build: {}\n", build_line(part.build));
  text += fmt::format("    command: {}\n", scalar(part.command.value));
  if (part.port) text += fmt::format("    port: {}\n", part.port->value);
  if (part.ready) text += fmt::format("    ready: {}\n", scalar(part.ready->value));
  if (!part.routes.empty()) text += fmt::format("    routes: {}\n", runs(part.routes));
  for (const auto& [prefix, folder] : part.static_folders)
    text += fmt::format("    static: {{{}: {}}}\n", prefix, scalar(folder.value));
  if (part.one_visitor_one_instance) text += "    affinity: instance\n";
  return text;
}

std::string section(std::string_view name, const std::map<std::string, Proven>& values) {
  if (values.empty()) return {};
  auto text = fmt::format("{}:\n", name);
  for (const auto& [key, value] : values)
    text += fmt::format("  {}: {}\n", key, scalar(value.value));
  return text;
}

std::string services(const std::map<std::string, ServiceProposal>& list) {
  if (list.empty()) return {};
  std::string text = "services:\n";
  for (const auto& [name, each] : list)
    text += each.driver ? fmt::format("  {}: {{kind: {}, driver: {}}}\n", name, each.kind.value,
                                      each.driver->value)
                        : fmt::format("  {}: {}\n", name, each.kind.value);
  return text;
}

std::string commands(std::string_view name, const std::vector<Proven>& list) {
  if (list.empty()) return {};
  auto text = fmt::format("{}:\n", name);
  for (const auto& each : list) text += "  - " + scalar(each.value) + "\n";
  return text;
}

std::string secrets(const Proposal& proposal) {
  if (proposal.secrets.empty()) return {};
  std::vector<std::string> names;
  for (const auto& each : proposal.secrets) names.push_back(each.value);
  return "secrets: [" + join(names, ", ") + "]\n";
}

std::string environments(const Proposal& proposal) {
  return fmt::format(
      "environments:\n"
      "  preprod: {{hosts: [{}], deploy: automatic}}\n"
      "  prod: {{hosts: [{}], deploy: approval, promote_from: preprod}}\n",
      proposal.preprod_host.value, proposal.host.value);
}

struct Reason {
  std::string key;
  const Proven* proven;
};

std::vector<Reason> reasons(const Proposal& proposal) {
  std::vector<Reason> list;
  for (const auto& part : proposal.parts) {
    const auto key = "processes." + part.name;
    if (!part.build.kind.empty())
      list.push_back({key + ".build." + part.build.kind, &part.build.source});
    if (part.build.version) list.push_back({key + ".build.version", &*part.build.version});
    if (part.build.prefer) list.push_back({key + ".build.prefer", &*part.build.prefer});
    for (const auto& each : part.build.packages) list.push_back({key + ".build.python", &each});
    for (const auto& each : part.build.run) list.push_back({key + ".build.run", &each});
    list.push_back({key + ".command", &part.command});
    if (part.port) list.push_back({key + ".port", &*part.port});
    if (part.ready) list.push_back({key + ".ready", &*part.ready});
    for (const auto& each : part.routes) list.push_back({key + ".routes", &each});
    for (const auto& [prefix, folder] : part.static_folders)
      list.push_back({key + ".static." + prefix, &folder});
  }
  for (const auto& each : proposal.checks) list.push_back({"checks", &each});
  for (const auto& each : proposal.release) list.push_back({"release", &each});
  for (const auto& [name, each] : proposal.services) {
    list.push_back({"services." + name, &each.kind});
    if (each.driver) list.push_back({"services." + name + ".driver", &*each.driver});
  }
  for (const auto& [name, each] : proposal.volumes) list.push_back({"volumes." + name, &each});
  for (const auto& [name, each] : proposal.env) list.push_back({"env." + name, &each});
  for (const auto& each : proposal.secrets) list.push_back({"secrets", &each});
  list.push_back({"environments.preprod.hosts", &proposal.preprod_host});
  list.push_back({"environments.prod.hosts", &proposal.host});
  return list;
}

std::string place_of(const Evidence& why) {
  if (why.path.empty()) return "default";
  return why.place.line > 1 ? fmt::format("{}:{}", printable(why.path), why.place.line)
                            : printable(why.path);
}

}  // namespace

std::string ecluse_yml(const Proposal& proposal) {
  std::string text = fmt::format("app: {}\n\n", proposal.app);
  for (const auto& part : proposal.parts)
    if (part.root.empty() && !part.build.kind.empty())
      text += "build: " + build_line(part.build) + "\n";
  text += commands("checks", proposal.checks) + commands("release", proposal.release);
  text += "processes:\n";
  for (const auto& part : proposal.parts) text += process(part);
  text += services(proposal.services) + section("volumes", proposal.volumes) +
          section("env", proposal.env) + secrets(proposal);
  return text + environments(proposal);
}

std::map<std::string, std::string> files_beside(const Proposal& proposal) {
  std::map<std::string, std::string> files;
  for (const auto& part : proposal.parts) {
    if (part.build.packages.empty()) continue;
    auto& text = files[part.root.empty() ? kWithServer : part.root + "/" + kWithServer];
    text = part.build.source.value.empty()
               ? "# What the Pipfile names, for pip, and what the app needs besides.\n"
               : fmt::format("# The app's own requirements, and what it needs besides.\n-r {}\n",
                             part.build.source.value);
    for (const auto& each : part.build.packages) text += each.value + "\n";
  }
  return files;
}

std::string reasons_text(const Proposal& proposal) {
  std::string text;
  for (const auto& each : reasons(proposal)) {
    const auto& why = each.proven->why;
    text += fmt::format("{}: {}\n    {}: {}\n", each.key, readable(each.proven->value),
                        place_of(why), readable(why.seen));
  }
  return text;
}

std::string gaps_text(const Proposal& proposal) {
  std::string text;
  for (const auto& each : proposal.secrets)
    text += fmt::format(
        "- secret {0} ({1})\n  next: ecluse secret set {0} --generate --to preprod, or without "
        "--generate to type its value\n",
        each.value, place_of(each.why));
  for (const auto& each : proposal.asks)
    text += fmt::format("- variable {} is demanded ({})\n  next: add it under `env:`\n", each.what,
                        place_of(each.why));
  for (const auto& each : proposal.gaps)
    text += fmt::format("- {} ({})\n  next: {}\n", readable(each.what, kSentenceBytesMax),
                        place_of(each.why), readable(each.next, kSentenceBytesMax));
  return text;
}

std::string proposal_json(const Proposal& proposal, const std::string& file) {
  auto root = nlohmann::json{{"file", file},
                             {"yaml", ecluse_yml(proposal)},
                             {"reasons", nlohmann::json::array()},
                             {"secrets", nlohmann::json::array()},
                             {"asks", nlohmann::json::array()},
                             {"gaps", nlohmann::json::array()}};
  root["beside"] = files_beside(proposal);
  for (const auto& each : reasons(proposal)) {
    const auto& why = each.proven->why;
    root["reasons"].push_back({{"key", each.key},
                               {"value", each.proven->value},
                               {"path", why.path},
                               {"line", why.place.line},
                               {"seen", readable(why.seen)}});
  }
  for (const auto& each : proposal.secrets) root["secrets"].push_back(each.value);
  for (const auto& each : proposal.asks) root["asks"].push_back(each.what);
  for (const auto& each : proposal.gaps)
    root["gaps"].push_back({{"what", each.what},
                            {"next", each.next},
                            {"path", each.why.path},
                            {"line", each.why.place.line}});
  return root.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace ecluse::preflight
