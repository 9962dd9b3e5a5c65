// CI-001, CI-005..009, CI-012, CI-014, CI-015: what a pipeline believes to have tested.

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "base/text.h"
#include "preflight/facts/package_script.h"
#include "preflight/rules/rule.h"
#include "preflight/rules/step.h"

namespace ecluse::preflight {

namespace {

Findings dead_branch(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                               Findings& found) {
    if (!step.errexit || any_of_words(step.run, {"set +e", "set +o errexit"})) return;
    for (const auto& test : step.script.tests) {
      if (test.text.find("$?") == std::string::npos) continue;
      const ShellCommand* before = nullptr;
      for (const auto& each : step.script.commands)
        if (each.place < test.place && each.name() != "[" && each.name() != "test") before = &each;
      if (before && (before->tested || !before->or_else.empty())) continue;
      found.push_back(at(flow.path, test.place, test.text + " under bash -e"));
    }
  });
}

bool measures_coverage(std::string_view text) {
  return any_of_words(text, {"--cov", "coverage run", "coverage report", "--coverage",
                             "--collectCoverage", "nyc ", "c8 "});
}

bool demands_coverage(const Subject& subject, std::string_view text) {
  if (any_of_words(text, {"--cov-fail-under", "report --fail-under", "coverageThreshold"}))
    return true;
  for (const auto& [path, kept] : subject.repository.texts) {
    const auto name = file_name(path);
    const bool config = name == "setup.cfg" || name == "pytest.ini" || name == "pyproject.toml" ||
                        name == ".coveragerc" || name == "tox.ini";
    if (config && any_of_words(kept, {"fail_under", "cov-fail-under", "fail-under"})) return true;
    const bool node = name.starts_with("jest.config.") || name.starts_with("vitest.config.") ||
                      name.starts_with("vite.config.") || name.starts_with(".nycrc") ||
                      name.starts_with(".c8rc") || name == "package.json";
    if (node && any_of_words(kept, {"coverageThreshold", "thresholds", "check-coverage"}))
      return true;
  }
  return false;
}

/// `yarn test:coverage`: what the package.json at the top means by it, else what any of them does.
std::string meant_by(const Subject& subject, const std::string& line) {
  const auto* top = subject.repository.package_of("");
  auto meant = top ? follow_scripts(*top, line) : line;
  if (meant != line) return meant;
  for (const auto& each : subject.repository.manifests)
    if (each.kind == ManifestKind::kNode) meant += "\n" + follow_scripts(each, line);
  return meant;
}

/// A runner of JavaScript's tests that can measure, and so could demand.
bool runs_scripts_tests(std::string_view text) {
  return any_of_words(text, {"jest", "vitest", "nyc ", "c8 ", "react-scripts test"});
}

Findings no_coverage_gate(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows) {
    const WorkflowStep* tests = nullptr;
    std::string all;
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps) {
        all += step.run + "\n" + step.uses + "\n";
        for (const auto& each : step.script.commands) {
          const auto meant = meant_by(subject, each.text);
          const bool runs = (any_of_words(meant, {"pytest", "manage.py test", "-m manage test",
                                                  "coverage run"}) ||
                             runs_scripts_tests(meant)) &&
                            !any_of_words(meant, {"install"});
          if (runs && !tests) tests = &step;
          if (runs) all += meant + "\n";
        }
      }
    if (!tests || demands_coverage(subject, all)) continue;
    found.push_back(at(flow.path, tests->place,
                       measures_coverage(all) ? "coverage is measured and nothing is demanded of it"
                                              : "tests run without measuring coverage"));
  }
  return found;
}

Findings forgiven_tests(const Subject& subject) {
  auto found = for_commands(
      subject, [](const WorkflowStep&, const ShellCommand& each) -> std::optional<Finding> {
        if (!forgives(each) || !is_test_command(each)) return std::nullopt;
        return at("", each.place, each.text + " || " + std::string(trim(each.or_else)));
      });
  auto steps = for_steps(subject, [](const Workflow& flow, const WorkflowJob& job,
                                     const WorkflowStep& step, Findings& out) {
    const bool tests = std::ranges::any_of(step.script.commands, is_test_command);
    if (tests && (step.continue_on_error || job.continue_on_error))
      out.push_back(at(flow.path, step.place, "continue-on-error: true"));
    for (const auto& each : step.script.commands)
      if (is_test_command(each) && each.text.find("--exit-zero") != std::string::npos)
        out.push_back(at(flow.path, each.place, each.text));
  });
  found.insert(found.end(), steps.begin(), steps.end());
  return found;
}

constexpr std::string_view kEvents[] = {"push",
                                        "pull_request",
                                        "pull_request_target",
                                        "workflow_dispatch",
                                        "schedule",
                                        "release",
                                        "workflow_run",
                                        "workflow_call",
                                        "issues",
                                        "issue_comment",
                                        "create",
                                        "delete",
                                        "deployment",
                                        "merge_group",
                                        "repository_dispatch",
                                        "registry_package",
                                        "page_build",
                                        "label",
                                        "deployment_status",
                                        "check_run",
                                        "check_suite",
                                        "fork",
                                        "gollum",
                                        "discussion",
                                        "discussion_comment",
                                        "milestone",
                                        "project",
                                        "public",
                                        "pull_request_review",
                                        "pull_request_review_comment",
                                        "status",
                                        "watch",
                                        "branch_protection_rule",
                                        "repository_vulnerability_alert"};
constexpr std::string_view kFilters[] = {"branches",        "tags",        "paths",        "types",
                                         "branches-ignore", "tags-ignore", "paths-ignore", "inputs",
                                         "outputs",         "secrets",     "workflows"};

template <typename List>
bool among(const List& list, std::string_view word) {
  return std::ranges::find(list, word) != std::end(list);
}

Findings wrong_trigger(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows) {
    if (flow.system != WorkflowSystem::kGithub) continue;
    for (const auto& event : flow.triggers.entries) {
      if (!among(kEvents, event.key))
        found.push_back(at(flow.path, event.place, "'" + event.key + "' is no event"));
      if (event.value.kind != YamlKind::kMap) continue;
      for (const auto& filter : event.value.entries)
        if (among(kEvents, filter.key) || (!among(kFilters, filter.key) && event.key != "schedule"))
          found.push_back(at(flow.path, filter.place,
                             "'" + filter.key + "' inside " + event.key + " has no effect"));
    }
  }
  return found;
}

bool compares_glob(std::string_view condition) {
  for (auto at_equals = condition.find("=="); at_equals != std::string_view::npos;
       at_equals = condition.find("==", at_equals + 2)) {
    const auto rest = trim(condition.substr(at_equals + 2));
    if (!rest.starts_with('\'')) continue;
    const auto close = rest.find('\'', 1);
    if (rest.substr(0, close).find('*') != std::string_view::npos) return true;
  }
  return false;
}

/// CircleCI takes a filter between slashes for a regular expression, any other one literally.
void look_at_filters(const Workflow& flow, const Yaml& filters, Findings& found) {
  for (const auto& kind : filters.entries)
    for (const auto& list : kind.value.entries)
      for (const auto* each : list.value.as_list())
        if (each->text.find('*') != std::string::npos && !each->text.starts_with('/'))
          found.push_back(at(flow.path, each->place,
                             kind.key + ": " + each->text + " is compared letter by letter"));
}

Findings glob_compared(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows) {
    for (const auto& job : flow.jobs) {
      look_at_filters(flow, job.filters, found);
      if (compares_glob(job.condition))
        found.push_back(at(flow.path, job.condition_place, job.condition));
      for (const auto& step : job.steps)
        if (compares_glob(step.condition))
          found.push_back(at(flow.path, step.condition_place, step.condition));
    }
  }
  return found;
}

/// What a reusable workflow does by its name: ".../docker-build-and-push.yml@main".
bool is_named_for_publishing(std::string_view uses) {
  const auto name = to_lower(file_name(uses));
  return any_of_words(name, {"push", "publish", "deploy"}) &&
         !any_of_words(name, {"test", "check", "ci."});
}

/// It may hold tests: nothing in its name says that it is for something else.
bool may_test(std::string_view uses) {
  return !uses.empty() && !is_named_for_publishing(uses) &&
         !any_of_words(to_lower(file_name(uses)), {"tag", "version", "release", "notify"});
}

/// A flow's jobs by name: what one needs is looked up many times.
using Jobs = std::map<std::string_view, const WorkflowJob*>;

/// Of what the job needs, near or far; at most kNeedsAsked jobs are asked.
constexpr std::size_t kNeedsAsked = 64;
bool needs_tests(const Jobs& jobs, const WorkflowJob& job) {
  std::vector<const WorkflowJob*> asked{&job};
  for (std::size_t next = 0; next < asked.size() && next < kNeedsAsked; ++next) {
    for (const auto& name : asked[next]->needs) {
      const auto found = jobs.find(name);
      if (found == jobs.end()) continue;
      if (is_test_job(*found->second) || may_test(found->second->uses)) return true;
      if (asked.size() < kNeedsAsked && std::ranges::find(asked, found->second) == asked.end())
        asked.push_back(found->second);
    }
  }
  return false;
}

/// Tests in the same job, in front of the step that publishes.
bool tests_before(const WorkflowJob& job) {
  for (const auto& step : job.steps) {
    if (std::ranges::any_of(step.script.commands, is_test_command)) return true;
    if (is_publish_step(step) || is_deploy_step(step)) return false;
  }
  return false;
}

/// Started by a person, and by nothing that happens.
bool only_by_hand(const Workflow& flow) {
  const auto& on = flow.triggers;
  if (on.kind == YamlKind::kScalar) return on.text == "workflow_dispatch";
  if (on.kind == YamlKind::kMap)
    return on.entries.size() == 1 && on.entries[0].key == "workflow_dispatch";
  return on.items.size() == 1 && on.items[0].text == "workflow_dispatch";
}

bool names_test(std::string_view text) {
  const auto lower = to_lower(text);
  return std::ranges::any_of(
      std::array<std::string_view, 6>{"test", "tests", "check", "checks", "lint", "verify"},
      [&](std::string_view word) { return contains_word(lower, word); });
}

/// Something there may be a test: `make test`, `docker run shop ./check.sh`, a file of somebody
/// else that is included.
bool may_test_somewhere(const Subject& subject, const Workflow& flow) {
  if (any_of_words(subject.repository.text(flow.path), {"include:", "trigger:", "extends:"}))
    return true;
  return std::ranges::any_of(flow.jobs, [](const WorkflowJob& job) {
    return is_test_job(job) || names_test(job.name) ||
           std::ranges::any_of(job.steps,
                               [](const WorkflowStep& step) { return names_test(step.run); });
  });
}

/// GitLab's stages are an order, too: told of where no job of the pipeline tests anything.
void untested_gitlab(const Subject& subject, const Workflow& flow, Findings& found) {
  if (may_test_somewhere(subject, flow)) return;
  for (const auto& job : flow.jobs)
    if (std::ranges::any_of(job.steps, is_publish_step) || is_deploy_job(job))
      return found.push_back(
          at(flow.path, job.place, "job " + job.name + " publishes and no job tests anything"));
}

Findings untested_publish(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows) {
    if (flow.system == WorkflowSystem::kGitlab) {
      untested_gitlab(subject, flow, found);
      continue;
    }
    const bool follows = flow.triggers.find("workflow_run") != nullptr || only_by_hand(flow);
    Jobs jobs;
    for (const auto& job : flow.jobs) jobs.emplace(job.name, &job);
    for (const auto& job : flow.jobs) {
      const bool publishes = std::ranges::any_of(job.steps, is_publish_step) ||
                             is_deploy_job(job) || is_named_for_publishing(job.uses);
      if (!publishes || follows || tests_before(job) || needs_tests(jobs, job)) continue;
      found.push_back(
          at(flow.path, job.place, "job " + job.name + " publishes whatever the tests say"));
    }
  }
  return found;
}

/// What a step knows a variable by: its script's only assignment, else the environment around it.
std::optional<std::string> value_of(const Workflow& flow, const WorkflowJob& job,
                                    const WorkflowStep& step, std::string_view name) {
  const auto start = std::string(name) + "=";
  std::optional<std::string> value;
  for (const auto line : lines_of(step.run)) {
    auto bare = trim(line);
    if (bare.starts_with("export ")) bare = trim(bare.substr(7));
    if (!bare.starts_with(start)) continue;
    if (value) return std::nullopt;  // one of several
    const auto given = trim(bare.substr(start.size()));
    const auto from = std::min(given.find_first_not_of("\"'"), given.size());
    value = std::string(given.substr(from, given.find_last_not_of("\"'") + 1 - from));
  }
  if (value) return value;
  for (const auto* list : {&step.env, &job.env, &flow.env})
    for (const auto& each : *list)
      if (each.key == name) return each.value.text;
  return std::nullopt;
}

/// `$TAG`, `${TAG}`, `${{ env.TAG }}` with what stands for it, where that is known.
std::string filled_in(const Workflow& flow, const WorkflowJob& job, const WorkflowStep& step,
                      std::string_view text) {
  std::string made;
  while (!text.empty()) {
    const auto dollar = std::min(text.find('$'), text.size());
    made += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.empty()) break;
    constexpr std::string_view kExpression = "${{ env.";
    const bool expression = text.starts_with(kExpression);
    const auto from = expression ? kExpression.size() : text.starts_with("${") ? 2U : 1U;
    auto end = from;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
      ++end;
    const auto value = value_of(flow, job, step, text.substr(from, end - from));
    const std::string_view close = expression ? " }}" : from == 2 ? "}" : "";
    const bool whole = text.substr(end).starts_with(close);
    made += value && whole ? *value : std::string(text.substr(0, end));
    text.remove_prefix(value && whole ? end + close.size() : end);
  }
  return made;
}

/// `docker push "$TAG"` of the step that says TAG="shop:$SHA": what is pushed, with what stands for
/// it; a name that nothing sets is nothing we know.
std::optional<std::string> pushed_by(const Workflow& flow, const WorkflowJob& job,
                                     const WorkflowStep& step, const ShellCommand& push) {
  const auto text = filled_in(flow, job, step, raw_line(step, push));
  const auto last = filled_in(flow, job, step, push.words.back());
  const auto name_part = last.substr(last.rfind('/') + 1);
  const bool unknown = name_part.starts_with('$') && name_part.find(':') == std::string::npos &&
                       text.find("${{") == std::string::npos;
  return unknown ? std::nullopt : std::optional(text);
}

std::vector<std::string> pushed_tags(const Workflow& flow, const WorkflowJob& job,
                                     const WorkflowStep& step) {
  std::vector<std::string> tags;
  const bool builds = step.uses.find("build-push-action") != std::string::npos;
  if (builds && step.input("push") != "false") {
    auto text = filled_in(flow, job, step, step.input("tags"));
    std::ranges::replace(text, ',', '\n');
    for (const auto& line : split(text, '\n'))
      if (!trim(line).empty()) tags.emplace_back(trim(line));
  }
  for (const auto& each : step.script.commands) {
    const bool push = each.name() == "docker" && each.has("push") && !each.has("compose");
    if (push && each.words.size() > 2)
      tags.push_back(pushed_by(flow, job, step, each).value_or(":?"));
  }
  return tags;
}

/// `docker compose push`: the images that compose files give to what they build.
std::vector<std::string> composed_tags(const Subject& subject, const WorkflowStep& step) {
  std::vector<std::string> tags;
  for (const auto& each : step.script.commands) {
    const bool compose = each.name() == "docker-compose" || each.has("compose");
    if (!compose || !each.has("push")) continue;
    for (const auto* file : subject.stack.composes)
      for (const auto& service : file->services)
        if (service.context && !service.image.empty()) tags.push_back(service.image);
  }
  return tags;
}

Findings only_latest(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows) {
    for (const auto& job : flow.jobs) {
      std::vector<std::string> tags;
      Place place;
      for (const auto& step : job.steps) {
        auto more = pushed_tags(flow, job, step);
        const auto composed = composed_tags(subject, step);
        more.insert(more.end(), composed.begin(), composed.end());
        if (!more.empty() && tags.empty()) place = step.place;
        tags.insert(tags.end(), more.begin(), more.end());
      }
      const bool only = !tags.empty() && std::ranges::all_of(tags, [](const std::string& tag) {
        const auto name = tag.substr(tag.rfind('/') == std::string::npos ? 0 : tag.rfind('/'));
        if (tag.find("outputs.tags") != std::string::npos ||
            tag.find("all-tags") != std::string::npos || tag.find(" -a ") != std::string::npos)
          return false;
        const auto bare = trim(tag);
        const auto last = bare.substr(0, bare.find_last_not_of("\"'") + 1);
        return last.ends_with(":latest") || name.find(':') == std::string::npos;
      });
      if (only) found.push_back(at(flow.path, place, "pushes " + join(tags, ", ")));
    }
  }
  return found;
}

Findings absent_coverage(const Subject& subject) {
  return for_commands(
      subject, [&](const WorkflowStep&, const ShellCommand& each) -> std::optional<Finding> {
        for (const auto& word : each.words) {
          if (!word.starts_with("--cov=")) continue;
          const auto path = join_path("", word.substr(6));  // "./", "./shop/": as git spells it
          if (path.empty() || path.find('$') != std::string::npos) continue;
          auto folder = path;
          std::ranges::replace(folder, '.', '/');
          const auto& repository = subject.repository;
          const bool there = std::ranges::any_of(repository.folders,
                                                 [&](const std::string& each_folder) {
                                                   return each_folder == path ||
                                                          each_folder == folder ||
                                                          each_folder.ends_with("/" + folder) ||
                                                          each_folder.ends_with("/" + path);
                                                 }) ||
                             std::ranges::any_of(repository.files, [&](const FileFact& file) {
                               return file.path == path || file.path == folder + ".py" ||
                                      file.path.ends_with("/" + folder + ".py");
                             });
          if (!there) return at("", each.place, word + ": there is no " + path);
        }
        return std::nullopt;
      });
}

/// `[ -n "$X" ]` where nothing sets X.
Findings unset_variable(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob& job,
                               const WorkflowStep& step, Findings& found) {
    const auto known = [&](std::string_view name) {
      for (const auto* list : {&flow.env, &job.env, &step.env})
        for (const auto& each : *list)
          if (each.key == name) return true;
      for (const std::string_view prefix :
           {"GITHUB_", "RUNNER_", "CI", "HOME", "PATH", "USER", "PWD", "ACTIONS_", "INPUT_"})
        if (name.starts_with(prefix)) return true;
      const auto name_text = std::string(name);
      if (any_of_words(step.run, {name_text + "=", "read " + name_text, "read -r " + name_text,
                                  "for " + name_text + " in", "getopts"}))
        return true;
      for (const auto& other : job.steps)
        if (other.run.find("GITHUB_ENV") != std::string::npos &&
            other.run.find(name_text) != std::string::npos)
          return true;
      return false;
    };
    if (flow.system != WorkflowSystem::kGithub || step.run.find("source ") != std::string::npos)
      return;
    for (const auto& test : step.script.tests) {
      for (auto dollar = test.text.find('$'); dollar != std::string::npos;
           dollar = test.text.find('$', dollar + 1)) {
        auto begin = dollar + 1;
        if (begin < test.text.size() && test.text[begin] == '{') ++begin;
        auto end = begin;
        while (end < test.text.size() &&
               (std::isalnum(static_cast<unsigned char>(test.text[end])) || test.text[end] == '_'))
          ++end;
        const auto name = test.text.substr(begin, end - begin);
        const bool variable = !name.empty() && std::isalpha(static_cast<unsigned char>(name[0]));
        if (variable && name.find("XXX") == std::string::npos && !known(name))
          found.push_back(at(flow.path, test.place, "nothing sets " + name));
      }
    }
  });
}

constexpr std::array kRules = {
    Rule{"CI-001", Severity::kMajor, "A test of $? that can never see a failure",
         "GitHub runs steps with `bash -e`: the shell ends at the failing command, so the branch "
         "behind the test, often the rollback, is dead.",
         "`if ! COMMAND; then ...; fi`", dead_branch},
    Rule{"CI-005", Severity::kWarn, "No coverage is demanded",
         "Coverage falls unnoticed to what nobody would accept.",
         "`pytest --cov --cov-fail-under=80`", no_coverage_gate},
    Rule{"CI-006", Severity::kMajor, "Failing tests do not fail the pipeline",
         "What the tests found is thrown away.",
         "Delete `|| true`, `--exit-zero` and continue-on-error.", forgiven_tests},
    Rule{"CI-007", Severity::kMajor, "A trigger is nested wrongly",
         "GitHub refuses the workflow or never runs it.", "Put the event directly below `on:`.",
         wrong_trigger},
    Rule{"CI-008", Severity::kMajor, "A pattern is compared with ==",
         "`==` and CircleCI's filters know no wildcards, so the condition is never true.",
         "`startsWith(github.ref, 'refs/tags/')`; for CircleCI `/release\\/.*/`", glob_compared},
    Rule{"CI-009", Severity::kMajor, "Publishing does not depend on the tests",
         "A commit whose tests fail is published all the same.", "`needs: [test]` on the job.",
         untested_publish},
    Rule{"CI-012", Severity::kMajor, "Only `latest` is pushed",
         "There is no image to roll back to, and nobody can tell what runs.",
         "Push the commit's SHA as a tag as well, and deploy that.", only_latest},
    Rule{"CI-014", Severity::kWarn, "Coverage of a path that does not exist",
         "It measures nothing and warns at most.", "Correct the path.", absent_coverage},
    Rule{"CI-015", Severity::kWarn, "A variable is tested that nothing sets",
         "The branch is always the same one.", "Set it in `env:`, or delete the branch.",
         unset_variable},
};

}  // namespace

std::span<const Rule> pipeline_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
