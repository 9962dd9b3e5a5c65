#include "preflight/facts/env_example.h"

#include <algorithm>

#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

constexpr std::string_view kLibrary = "dotenv-safe";

const Import* import_of(const CodeFile& file) {
  const auto found = std::ranges::find_if(file.imports, [](const Import& each) {
    return each.module == kLibrary || each.module.starts_with(std::string(kLibrary) + "/");
  });
  return found == file.imports.end() ? nullptr : &*found;
}

/// "./config/.env.needed" of `config({example: "./config/.env.needed"})`.
std::string example_named(const CodeFile& file) {
  for (const auto& call : file.calls) {
    const auto* options = ends_with_name(call.callee(), "config") ? call.value.at(0) : nullptr;
    const auto* example = options ? options->find("example") : nullptr;
    if (example && example->kind == ValueKind::kString) return example->text;
  }
  return ".env.example";
}

const EnvFile* nearest(const std::vector<EnvFile>& env_files, std::string_view path,
                       std::string_view name) {
  for (auto folder = folder_of(path);; folder = folder_of(folder)) {
    const auto found = std::ranges::find(env_files, join_path(folder, name), &EnvFile::path);
    if (found != env_files.end()) return &*found;
    if (folder.empty()) return nullptr;
  }
}

}  // namespace

void follow_examples(std::vector<CodeFile>& files, const std::vector<EnvFile>& env_files) {
  for (auto& file : files) {
    const auto* import = file.test ? nullptr : import_of(file);
    const auto* example = import ? nearest(env_files, file.path, example_named(file)) : nullptr;
    if (!example) continue;
    for (const auto& line : example->lines) {
      EnvRead made;
      made.name = line.name;
      made.required = true;
      made.spelling = kLibrary;
      made.place = import->place;
      file.reads.push_back(std::move(made));
    }
  }
}

}  // namespace ecluse::preflight
