#pragma once
// A rule turns facts into findings. Pure: it sees the repository, what was concluded from it, and
// the environment it is about; it reads nothing else.

#include <span>
#include <string>
#include <string_view>

#include "model/spec.h"
#include "preflight/facts/stack.h"
#include "preflight/rules/finding.h"

namespace ecluse::preflight {

struct Subject {
  const Repository& repository;
  const Stack& stack;
  const model::EnvironmentSpec* environment = nullptr;  ///< of ecluse.yml; null without one
  std::string today;                                    ///< "2026-11-21"
};

struct Rule {
  std::string_view id;
  Severity severity;
  std::string_view title;  ///< what it finds, without a full stop
  std::string_view why;    ///< one sentence
  std::string_view fix;
  Findings (*find)(const Subject&);  ///< pure: audit() asks two rules at once
};

/// Every rule, by id.
std::span<const Rule* const> all_rules();
const Rule* find_rule(std::string_view id);

/// What every rule finds, sorted by path, place and rule; at most kFindingsPerRule each.
Findings audit(const Subject& subject);
constexpr std::size_t kFindingsPerRule = 50;

// One file each; the table in table.cc joins them.
std::span<const Rule> secret_rules();
std::span<const Rule> django_rules();
std::span<const Rule> docker_rules();
std::span<const Rule> dockerignore_rules();
std::span<const Rule> compose_rules();
std::span<const Rule> database_rules();
std::span<const Rule> migration_rules();
std::span<const Rule> repository_rules();
std::span<const Rule> pipeline_rules();
std::span<const Rule> deployment_rules();
std::span<const Rule> expression_rules();
std::span<const Rule> environment_rules();
std::span<const Rule> health_rules();
std::span<const Rule> log_rules();
std::span<const Rule> dependency_rules();
std::span<const Rule> start_command_rules();
std::span<const Rule> machine_rules();
std::span<const Rule> nginx_rules();
std::span<const Rule> delivery_rules();
std::span<const Rule> started_rules();

// ---- Shared by rules ----------------------------------------------------------------------------

Finding at(std::string_view path, Place place, std::string evidence);
bool is_secret_name(std::string_view name);
/// "changeme", "<your key>", "xxx": text that nobody takes for a secret.
bool is_placeholder(std::string_view value);
/// Source that runs in production: no test, no settings for development.
bool is_production_code(const CodeFile& file);
/// How many instances serve, and what says so.
struct Instances {
  int count = 1;
  std::string said_by;
};
Instances instances_of(const Subject& subject);
/// Services of one build that run the same command, `service` among them: instances of one thing.
std::vector<std::string> twins_of(const Compose& compose, const ComposeService& service);
bool any_of_words(std::string_view text, std::initializer_list<std::string_view> words);
/// `yarn`, `yarn --frozen-lockfile && ...`: it installs when nothing else is asked of it.
bool is_plain_yarn(std::string_view text);
/// A database or cache image, by its name: "postgres", "redis"; "" for others.
std::string_view service_of_image(std::string_view image);
/// Reads of the value assigned at `place` in `file`: on the lines that the value spans.
const EnvRead* read_within(const CodeFile& file, const Assignment& assignment);
/// Lines of a text, with their number, that a predicate likes.
template <typename Like>
Findings lines_like(const Repository& repository, std::string_view path, Like like) {
  Findings found;
  int number = 0;
  for (const auto line : lines_of(repository.text(path))) {
    ++number;
    if (const auto column = like(line))
      found.push_back(at(path, {number, *column}, std::string(line)));
  }
  return found;
}

}  // namespace ecluse::preflight
