#include "preflight/facts/manifest.h"

// What toml++ 3.3 asserts of a text is not always so ("[^a]"); a stranger's file must not end us.
namespace {
struct BrokenToml {};
[[noreturn]] void give_up_toml() {
  throw BrokenToml();
}
}  // namespace
#define TOML_ASSERT(...) ((__VA_ARGS__) ? static_cast<void>(0) : give_up_toml())
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

constexpr std::size_t kManifestBytesMax = 512 * 1024;

bool is_requirements_name(std::string_view name) {
  return name.find("requirements") != std::string_view::npos &&
         (name.ends_with(".txt") || name.ends_with(".in"));
}

/// PEP 508: name, extras, version, marker.
Dependency dependency_of(std::string_view text, Place place) {
  text = trim(text.substr(0, text.find(';')));
  const auto end = std::min(
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"),
      text.size());
  auto rest = trim(text.substr(end));
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    rest = close == std::string_view::npos ? std::string_view{} : trim(rest.substr(close + 1));
  }
  return {normal_name(text.substr(0, end)), std::string(rest.substr(0, 60)), false, place};
}

void read_requirements(std::string_view text, Manifest& out) {
  int number = 0;
  const auto name = to_lower(file_name(out.path));
  const bool development = name.find("dev") != std::string::npos ||
                           name.find("test") != std::string::npos ||
                           name.find("lint") != std::string::npos;
  for (const auto whole : lines_of(text)) {
    ++number;
    auto line = trim(whole);
    if (const auto comment = line.find(" #"); comment != std::string_view::npos)
      line = trim(line.substr(0, comment));
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("-r") || line.starts_with("--requirement")) {
      const auto blank = line.find_first_of(" \t=");
      if (blank != std::string_view::npos) out.includes.emplace_back(trim(line.substr(blank + 1)));
      continue;
    }
    if (line.starts_with('-') || line.find("://") < line.find_first_of("=<> @")) continue;
    auto made = dependency_of(line, {number, 1});
    made.development = development;
    if (!made.name.empty()) out.dependencies.push_back(std::move(made));
  }
}

Place place_of(const toml::node& node) {
  return {static_cast<int>(node.source().begin.line), static_cast<int>(node.source().begin.column)};
}

void take_array(const toml::array* array, bool development, Manifest& out) {
  if (!array) return;
  for (const auto& each : *array) {
    const auto text = each.value<std::string>();
    if (!text) continue;
    auto made = dependency_of(*text, place_of(each));
    made.development = development;
    out.dependencies.push_back(std::move(made));
  }
}

void take_table(const toml::table* table, bool development, Manifest& out) {
  if (!table) return;
  for (const auto& [key, value] : *table) {
    std::string version;
    if (const auto text = value.value<std::string>())
      version = *text;
    else if (const auto* inner = value.as_table())
      if (const auto text2 = (*inner)["version"].value<std::string>()) version = *text2;
    if (key.str() == "python")
      out.python = version;
    else
      out.dependencies.push_back({normal_name(key.str()), version, development, place_of(value)});
  }
}

void take_groups(const toml::table* groups, bool poetry, Manifest& out) {
  if (!groups) return;
  for (const auto& [name, group] : *groups) {
    if (!poetry)
      take_array(group.as_array(), true, out);
    else if (const auto* table = group.as_table())
      take_table((*table)["dependencies"].as_table(), true, out);
  }
}

void read_pyproject(std::string_view text, Manifest& out) {
  const toml::table root = toml::parse(text);
  const auto project = root["project"];
  if (const auto python = project["requires-python"].value<std::string>()) out.python = *python;
  take_array(project["dependencies"].as_array(), false, out);
  if (const auto* extras = project["optional-dependencies"].as_table()) {
    for (const auto& [name, array] : *extras) take_array(array.as_array(), true, out);
  }
  const auto poetry = root["tool"]["poetry"];
  take_table(poetry["dependencies"].as_table(), false, out);
  take_table(poetry["dev-dependencies"].as_table(), true, out);
  take_groups(poetry["group"].as_table(), true, out);
  take_groups(root["dependency-groups"].as_table(), false, out);
  take_array(root["tool"]["uv"]["dev-dependencies"].as_array(), true, out);
}

void read_pipfile(std::string_view text, Manifest& out) {
  const toml::table root = toml::parse(text);
  take_table(root["packages"].as_table(), false, out);
  take_table(root["dev-packages"].as_table(), true, out);
  if (const auto python = root["requires"]["python_version"].value<std::string>())
    out.python = *python;
}

/// nlohmann forgets places; a key's first line with its quotes is exact enough for package.json.
Place place_of_key(std::string_view text, std::string_view key, std::string_view section) {
  const auto begin = section.empty() ? 0 : text.find("\"" + std::string(section) + "\"");
  const auto at =
      text.find("\"" + std::string(key) + "\"", begin == std::string_view::npos ? 0 : begin);
  if (at == std::string_view::npos) return {1, 1};
  const auto before = text.substr(0, at);
  const auto line = std::ranges::count(before, '\n');
  const auto start = before.rfind('\n');
  return {static_cast<int>(line) + 1,
          static_cast<int>(start == std::string_view::npos ? at + 1 : at - start)};
}

void take_node(const nlohmann::json& root, std::string_view text, const char* section,
               bool development, Manifest& out) {
  const auto found = root.find(section);
  if (found == root.end() || !found->is_object()) return;
  for (const auto& [name, version] : found->items()) {
    out.dependencies.push_back({name, version.is_string() ? version.get<std::string>() : "",
                                development, place_of_key(text, name, section)});
  }
}

void read_node(std::string_view text, Manifest& out) {
  const auto root = nlohmann::json::parse(text, nullptr, false);
  if (!root.is_object()) {
    out.broken = true;
    return;
  }
  take_node(root, text, "dependencies", false, out);
  take_node(root, text, "devDependencies", true, out);
  out.workspaces = root.contains("workspaces");
  if (const auto scripts = root.find("scripts"); scripts != root.end() && scripts->is_object()) {
    for (const auto& [name, command] : scripts->items()) {
      if (command.is_string())
        out.scripts.push_back(
            {name, command.get<std::string>(), place_of_key(text, name, "scripts")});
    }
  }
  if (const auto engines = root.find("engines"); engines != root.end() && engines->is_object()) {
    if (const auto node = engines->find("node"); node != engines->end() && node->is_string())
      out.engines_node = node->get<std::string>();
  }
}

}  // namespace

const Dependency* Manifest::find(std::string_view name) const {
  const auto found = std::ranges::find(dependencies, name, &Dependency::name);
  return found == dependencies.end() ? nullptr : &*found;
}

const Script* Manifest::find_script(std::string_view name) const {
  const auto found = std::ranges::find(scripts, name, &Script::name);
  return found == scripts.end() ? nullptr : &*found;
}

std::string normal_name(std::string_view package) {
  auto name = to_lower(package);
  std::ranges::replace(name, '_', '-');
  std::ranges::replace(name, '.', '-');
  return name;
}

bool is_manifest_name(std::string_view name) {
  return is_requirements_name(name) || name == "pyproject.toml" || name == "Pipfile" ||
         name == "package.json";
}

Manifest read_manifest(std::string_view path, const TextFile& file) {
  Manifest out;
  out.path = std::string(path);
  out.utf16 = file.encoding == Encoding::kUtf16;
  const auto name = file_name(path);
  const auto text = std::string_view(file.text).substr(0, kManifestBytesMax);
  try {
    if (name == "pyproject.toml") {
      out.kind = ManifestKind::kPyproject;
      read_pyproject(text, out);
    } else if (name == "Pipfile") {
      out.kind = ManifestKind::kPipfile;
      read_pipfile(text, out);
    } else if (name == "package.json") {
      out.kind = ManifestKind::kNode;
      read_node(text, out);
    } else {
      read_requirements(text, out);
    }
  } catch (const BrokenToml&) {
    out.broken = true;
  } catch (const toml::parse_error&) {
    out.broken = true;
  }
  return out;
}

}  // namespace ecluse::preflight
