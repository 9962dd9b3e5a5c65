#include <fmt/format.h>

#include "config/rules.h"
#include "config/shapes.h"
#include "config/values.h"

namespace ecluse::config::shapes {

namespace {

using namespace std::chrono_literals;

Shape<std::vector<std::string>> commands() {
  return list_of(text(command_rule()), true);
}

/// `node: 20`, `python: requirements.txt`, `go: yes`: a kind, and where or with what.
Shape<std::string> build_source(const std::string& expected) {
  Shape<std::string> shape = text(any_line_rule(expected));
  const auto as_text = shape.read;
  const auto as_version = version();
  const auto as_yes = boolean();
  const SchemaPtr plain = shape.schema;
  shape.schema = make_schema({.kind = SchemaKind::kAnyOf,
                              .expected = expected,
                              .any_of = {plain, as_version.schema, as_yes.schema}});
  return shape;
}

Field<model::BuildSpec> build_kind(std::string name, model::BuildKind kind, std::string expected,
                                   std::string meaning, std::string later = {}) {
  using model::BuildSpec;
  const Shape<std::string> source = build_source(expected);
  Field<BuildSpec> made;
  made.key = {.name = std::move(name),
              .value = source.schema,
              .meaning = std::move(meaning),
              .later = std::move(later)};
  made.read = [kind, source](const Node& node, Reader& reader, BuildSpec& into) {
    into.kind = kind;
    const bool yes = !node.quoted && (node.text == "yes" || node.text == "true");
    // A command is its words, even when YAML would read `true` as something else.
    const bool numeric = node.kind == NodeKind::kScalar && kind != model::BuildKind::kCommand &&
                         (looks_like_version(node.text) || !yaml_reads_as(node.text).empty());
    reader.stands_at(node.place);
    if (node.kind == NodeKind::kScalar && yes) return;
    if (numeric) return version().read(node, reader, into.version);
    source.read(node, reader, into.source);
  };
  made.write = [kind](const BuildSpec& from) -> std::optional<Node> {
    if (from.kind != kind) return std::nullopt;
    if (kind == model::BuildKind::kCommand)
      return text_node(from.run.empty() ? "" : from.run.front());
    return from.source.empty() ? scalar_node("true") : text_node(from.source);
  };
  made.later_inside = [](const BuildSpec&, const std::string&, Uses&) {};
  return made;
}

bool is_build_kind(std::string_view key) {
  return key != "version" && key != "prefer" && key != "run" && key != "per_environment";
}

void check_build(const Node& node, Reader& reader, model::BuildSpec& into) {
  const Entry* first = nullptr;
  for (const auto& entry : node.entries) {
    if (!is_build_kind(entry.key)) continue;
    if (first != nullptr)
      reader.error(entry.place, fmt::format("a build is either {} or {}", first->key, entry.key),
                   "one kind of build");
    else
      first = &entry;
  }
  if (into.kind != model::BuildKind::kCommand || into.source.empty()) return;
  into.run.insert(into.run.begin(), std::move(into.source));
  into.source.clear();
}

Field<model::BuildSpec> build_run() {
  Field<model::BuildSpec> made = field("run", &model::BuildSpec::run, commands(),
                                       "commands after the dependencies are installed, in order");
  const auto write_all = made.write;
  made.write = [write_all](const model::BuildSpec& from) {
    model::BuildSpec rest = from;
    if (from.kind == model::BuildKind::kCommand && !rest.run.empty())
      rest.run.erase(rest.run.begin());
    return write_all(rest);
  };
  return made;
}

std::vector<Field<model::BuildSpec>> build_fields() {
  using enum model::BuildKind;
  return {
      build_kind("python", kPython, "a requirements file, pyproject.toml, a version, or yes",
                 "virtual environment from requirements.txt or pyproject.toml"),
      build_kind("uv", kUv, "a folder, a version, or yes", "dependencies from uv.lock"),
      build_kind("poetry", kPoetry, "a folder, a version, or yes", "dependencies from poetry.lock"),
      build_kind("node", kNode, "a folder, a version as 20, or yes", "npm ci from the lock file"),
      build_kind("go", kGo, "a package as ./cmd/server, a version, or yes", "go build"),
      build_kind("cmake", kCmake, "a folder, or yes", "CMake project",
                 "use `command:` with your cmake lines"),
      build_kind("command", kCommand, "a command", "a build of your own; more lines in `run`"),
      build_kind("dockerfile", kDockerfile, "the path of a Dockerfile", "image from a Dockerfile",
                 kNoImages),
      build_kind("image", kImage, "an image reference", "an image that exists already", kNoImages),
      field("version", &model::BuildSpec::version, version(),
            "of the interpreter or compiler; empty: the distribution's"),
      field("prefer", &model::BuildSpec::prefer, version(),
            "of Python, where the machine has it; else the distribution's, which is said"),
      build_run(),
      field("per_environment", &model::BuildSpec::per_environment,
            list_of(text({.expected = "a variable's name",
                          .pattern = variable_key().pattern,
                          .check = rules::variable_name})),
            "variables inlined while building: one build per environment"),
  };
}

}  // namespace

/// `build: python` is `build: {python: yes}`; `build: detect` says what is also the default.
Shape<model::BuildSpec> build() {
  using enum model::BuildKind;
  const auto kinds = word<model::BuildKind>({{"detect", kDetect},
                                             {"python", kPython},
                                             {"uv", kUv},
                                             {"poetry", kPoetry},
                                             {"node", kNode},
                                             {"go", kGo},
                                             {"cmake", kCmake}});
  Field<model::BuildSpec> kind = field("", &model::BuildSpec::kind, kinds, "");
  auto whole = record<model::BuildSpec>({.name = "build"}, build_fields(), check_build);
  const auto write_record = whole.write;
  whole.write = [write_record](const model::BuildSpec& from) {
    return from == model::BuildSpec{} ? scalar_node("detect") : write_record(from);
  };
  return replaced_whole(with_short_form(whole, kind));
}

Shape<model::CheckSpec> check() {
  const auto run = [] {
    return field("run", &model::CheckSpec::run, text(command_rule()),
                 "the command, in a clean checkout")
        .required();
  };
  return with_short_form(
      record<model::CheckSpec>({.name = "check", .complete = true},
                               {run(),
                                field("coverage", &model::CheckSpec::coverage_min, share(),
                                      "the least coverage its output must report"),
                                field("timeout", &model::CheckSpec::timeout, duration(1s, 24h),
                                      "how long it may take before it counts as failed")}),
      run());
}

Shape<model::ReleaseJobSpec> release_job() {
  const auto run = [] {
    return field("run", &model::ReleaseJobSpec::run, text(command_rule()),
                 "the command, inside the new artifact")
        .required();
  };
  const auto backup = word<bool>({{"none", false}, {"before", true}});
  return with_short_form(record<model::ReleaseJobSpec>(
                             {.name = "release job", .complete = true},
                             {run(),
                              field("backup", &model::ReleaseJobSpec::backup_before, backup,
                                    "`before`: a proven backup comes first")
                                  .later("a deploy is refused unless it says --without-backup"),
                              field("reversible", &model::ReleaseJobSpec::reversible, boolean(),
                                    "no: a rollback cannot undo it; the deploy says so, and a "
                                    "proven backup comes first"),
                              field("blocking", &model::ReleaseJobSpec::blocking, boolean(),
                                    "yes: requests wait while it runs, each at most 30 s"),
                              field("timeout", &model::ReleaseJobSpec::timeout, duration(1s, 24h),
                                    "how long it may take before it counts as failed")}),
                         run());
}

}  // namespace ecluse::config::shapes
