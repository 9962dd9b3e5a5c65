#include "artifact/submodules.h"

#include <algorithm>

#include "artifact/git_command.h"
#include "base/text.h"

namespace ecluse::artifact {

namespace {
constexpr std::uint64_t kGitmodulesBytesMax = 1 << 20;
constexpr std::string_view kSection = "submodule.";

struct Setting {
  std::string name;  ///< of the submodule
  std::string key;
  std::string value;
};

/// "submodule.NAME.key\nvalue"; NAME may hold dots.
Setting parse_setting(std::string_view text) {
  const std::size_t line_end = std::min(text.find('\n'), text.size());
  const std::string_view key = text.substr(0, line_end);
  const std::size_t dot = key.rfind('.');
  if (!key.starts_with(kSection) || dot < kSection.size()) return {};
  return {std::string(key.substr(kSection.size(), dot - kSection.size())),
          std::string(key.substr(dot + 1)),
          std::string(text.substr(std::min(line_end + 1, text.size())))};
}
}  // namespace

SubmoduleUrls parse_submodule_urls(std::string_view listing) {
  std::map<std::string, std::pair<std::string, std::string>> modules;
  for (const std::string& text : split(listing, '\0')) {
    Setting setting = parse_setting(text);
    if (setting.key == "path") modules[setting.name].first = std::move(setting.value);
    if (setting.key == "url") modules[setting.name].second = std::move(setting.value);
  }
  SubmoduleUrls urls;
  for (auto& [name, module] : modules) {
    if (!module.first.empty() && !module.second.empty()) urls[module.first] = module.second;
  }
  return urls;
}

Result<SubmoduleUrls> submodule_urls(const std::filesystem::path& git_folder,
                                     const std::vector<TreeEntry>& entries) {
  const auto is_submodule = [](const TreeEntry& e) { return e.kind == EntryKind::kSubmodule; };
  if (std::none_of(entries.begin(), entries.end(), is_submodule)) return SubmoduleUrls{};
  const auto file = std::find_if(entries.begin(), entries.end(), [](const TreeEntry& e) {
    return e.path == ".gitmodules" && e.kind == EntryKind::kFile;
  });
  if (file == entries.end()) return SubmoduleUrls{};
  ECLUSE_ASSIGN(const std::string text, read_blob(git_folder, file->object, kGitmodulesBytesMax));
  ECLUSE_ASSIGN(const std::string listing,
                git_output({.arguments = {"config", "--no-includes", "--file", "-", "-z", "--list"},
                            .input = text}));
  return parse_submodule_urls(listing);
}

}  // namespace ecluse::artifact
