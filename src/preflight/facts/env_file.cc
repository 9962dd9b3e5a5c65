#include "preflight/facts/env_file.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

std::string value_of(std::string_view text) {
  text = trim(text);
  if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
    const auto close = text.find(text.front(), 1);
    if (close != std::string_view::npos) return std::string(text.substr(1, close - 1));
  }
  if (text.starts_with('#')) return {};
  return std::string(trim(text.substr(0, text.find(" #"))));
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '.';
  });
}

}  // namespace

const EnvLine* EnvFile::find(std::string_view name) const {
  const auto found = std::ranges::find(lines, name, &EnvLine::name);
  return found == lines.end() ? nullptr : &*found;
}

bool is_env_name(std::string_view name) {
  const auto lower = to_lower(name);
  return lower == ".env" || lower.starts_with(".env.") || lower.starts_with(".env-") ||
         lower.ends_with(".env") || lower == "env.example" || lower == "env.template" ||
         lower == "env.sample";
}

EnvFile read_env_file(std::string_view path, std::string_view text) {
  EnvFile file;
  file.path = std::string(path);
  const auto name = to_lower(file_name(path));
  for (const auto* word : {"example", "sample", "template", "dist", "default", "exemple"})
    file.example |= name.find(word) != std::string::npos;
  int number = 0;
  for (const auto line : lines_of(text)) {
    ++number;
    auto bare = trim(line);
    if (bare.starts_with("export ")) bare = trim(bare.substr(7));
    const auto equals = bare.find('=');
    if (bare.starts_with('#') || equals == std::string_view::npos) continue;
    const auto key = trim(bare.substr(0, equals));
    if (is_name(key))
      file.lines.push_back({std::string(key), value_of(bare.substr(equals + 1)), {number, 1}});
  }
  return file;
}

}  // namespace ecluse::preflight
