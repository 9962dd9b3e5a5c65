#include <fmt/format.h>

#include <ostream>

#include "cli/target.h"
#include "cli/verbs_list.h"
#include "config/parse.h"
#include "model/spec_json.h"
#include "os/file.h"

namespace ecluse::cli {

namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;

struct Options : Common {
  std::string file;
};

Result<std::filesystem::path> file_of(const Session& session, const Options& options) {
  if (!options.file.empty()) return session.folder / options.file;
  ECLUSE_ASSIGN(const auto root, project_root(session.folder));
  return root / "ecluse.yml";
}

std::string json_of(const config::Parsed& parsed) {
  std::string text = fmt::format("{{\"app\":\"{}\",\"environments\":[", parsed.spec.app);
  for (std::size_t i = 0; i < parsed.spec.environments.size(); ++i) {
    text += (i == 0 ? "" : ",") + model::to_text(parsed.spec.environments[i]);
  }
  return text + "]}\n";
}

int explain(const Session& session, const Options& options) {
  const auto file = file_of(session, options);
  if (!file) return report(session, options, file.error(), kUsage);
  const auto text = os::read_file(*file, kFileBytesMax);
  if (!text) return report(session, options, text.error());
  const auto name = file->filename().string();
  const auto parsed = config::parse(*text, name);
  if (!parsed) {
    return report(
        session, options,
        {ErrorKind::kInvalid,
         fmt::format("{} is not right:\n{}", name, config::render(parsed.error(), *text)), ""});
  }
  session.terminal.out << (options.json ? json_of(*parsed) : config::explain(*parsed));
  session.terminal.err << config::render(parsed->warnings, *text)
                       << config::render(config::not_available_yet(*parsed), *text);
  return kDone;
}

}  // namespace

Verb explain_verb() {
  return {"explain", "ecluse.yml",
          "The file with every default filled in, and where each value is from",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("FILE", options->file, "Default: the ecluse.yml around");
            declare_json(arguments, *options);
            return [options](const Session& session) { return explain(session, *options); };
          }};
}

}  // namespace ecluse::cli
