#include "config/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "config/check.h"
#include "config/table.h"

namespace ecluse::config {

namespace {

constexpr std::size_t kDiagnosticsMax = 100;

void append(std::vector<Diagnostic>& all, std::vector<Diagnostic> more) {
  std::ranges::move(more, std::back_inserter(all));
}

bool is_error(const Diagnostic& d) {
  return d.severity == Severity::kError;
}

/// In the order of the file, each once: an error at the top shows in every environment.
void tidy(std::vector<Diagnostic>& all) {
  std::ranges::stable_sort(all, {}, [](const auto& d) { return Place{d.line, d.column}; });
  std::vector<Diagnostic> once;
  for (auto& d : all)
    if (std::ranges::find(once, d) == once.end() && once.size() < kDiagnosticsMax)
      once.push_back(std::move(d));
  all = std::move(once);
}

bool takes_traffic(const model::ProcessSpec& p) {
  return p.name == "web" || p.port || p.ready || !p.routes.empty() || !p.static_paths.empty();
}

/// What follows from other values, as the model wants it filled in.
void derive(model::EnvironmentSpec& e) {
  for (auto& process : e.processes) process.takes_traffic = takes_traffic(process);
  if (!e.hosts.empty() || e.port) return;
  e.hosts.push_back(
      {e.name == "prod" ? e.app + ".localhost" : e.name + "." + e.app + ".localhost"});
}

class Layers {
 public:
  explicit Layers(std::string file) : parsed_{.file = std::move(file)} {}

  void read(const Node& root) {
    Reader reader(parsed_.file, "app", "", {});
    File file;
    file_shape().read(root, reader, file);
    append(problems_, reader.take_problems());
    parsed_.spec.app = file.app;
    file.base.app = file.app;
    if (file.environments.empty()) file.environments.push_back({"prod", {}, {}});
    for (const auto& entry : file.environments) read_environment(entry, file, reader);
  }

  tl::expected<Parsed, std::vector<Diagnostic>> finish() {
    append(problems_, check(parsed_, broken_));
    tidy(problems_);
    if (std::ranges::any_of(problems_, is_error)) return tl::unexpected(std::move(problems_));
    parsed_.warnings = std::move(problems_);
    return std::move(parsed_);
  }

  std::vector<Diagnostic>& problems() { return problems_; }

 private:
  void read_environment(const Entry& entry, const File& file, const Reader& top) {
    Reader reader(parsed_.file, "environment " + entry.key, "environments." + entry.key,
                  top.origins());
    model::EnvironmentSpec environment = file.base;
    environment.name = entry.key;
    environment_shape().read(entry.value, reader, environment);
    derive(environment);
    parsed_.spec.environments.push_back(std::move(environment));
    append(problems_, reader.take_problems());
    Origins origins = reader.origins();
    origins.insert_or_assign("", Origin{reader.layer(), entry.place});
    parsed_.origins.emplace(entry.key, std::move(origins));
    auto& broken = broken_[entry.key];
    broken = top.broken();
    std::ranges::copy(reader.broken(), std::back_inserter(broken));
  }

  Parsed parsed_;
  Broken broken_;
  std::vector<Diagnostic> problems_;
};

}  // namespace

tl::expected<Parsed, std::vector<Diagnostic>> parse(std::string_view text,
                                                    std::string_view file_name) {
  Tree tree = read_tree(text, file_name);
  if (!tree.root) return tl::unexpected(std::move(tree.problems));
  Layers layers{std::string(file_name)};
  layers.problems() = std::move(tree.problems);
  layers.read(*tree.root);
  return layers.finish();
}

}  // namespace ecluse::config
