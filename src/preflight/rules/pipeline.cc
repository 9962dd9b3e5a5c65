// CI-001..017: what a delivery pipeline believes of itself, and is not so.

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// Every step that runs a script, with its job.
template <typename Check>
Findings for_steps(const Subject& subject, Check check) {
  Findings found;
  for (const auto& flow : subject.repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps) check(flow, job, step, found);
  return found;
}

template <typename Check>
Findings for_commands(const Subject& subject, Check check) {
  return for_steps(subject, [&](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                                Findings& found) {
    for (const auto& each : step.script.commands)
      if (auto made = check(step, each)) {
        made->path = flow.path;
        found.push_back(std::move(*made));
      }
  });
}

bool is_test_command(const ShellCommand& command) {
  if (any_of_words(command.text, {"install"})) return false;
  for (const std::string_view word :
       {"pytest", "flake8", "manage.py test", "npm test", "npm run test", "npm run lint",
        "yarn test", "jest", "vitest", "tox", "ruff", "mypy", "eslint", "pylint", "black --check",
        "unittest", "bandit", "safety", "go test"})
    if (command.text.find(word) != std::string::npos) return true;
  return false;
}

bool is_test_job(const WorkflowJob& job) {
  for (const auto& step : job.steps) {
    for (const auto& each : step.script.commands)
      if (is_test_command(each)) return true;
  }
  return false;
}

bool is_publish_step(const WorkflowStep& step) {
  if (step.uses.find("build-push-action") != std::string::npos)
    return step.input("push") != "false" && !step.input("push").empty();
  for (const auto& each : step.script.commands) {
    if (each.name() == "docker" && (each.has("push") || each.has("--push"))) return true;
    if ((each.name() == "docker-compose" || each.has("compose")) && each.has("push")) return true;
  }
  return false;
}

bool is_hook(const ShellCommand& command) {
  if (command.name() != "curl" && command.name() != "wget") return false;
  const auto lower = to_lower(command.text);
  return any_of_words(lower, {"deploy", "hook", "api.render.com", "secrets.render"}) &&
         !any_of_words(lower, {"get.docker", "slack", "discord", "health"});
}

/// `${{ secrets.RENDER_DEPLOY_HOOK }}` was blanked in the parsed script; the raw text has it.
std::string raw_line(const WorkflowStep& step, const ShellCommand& command) {
  const auto lines = lines_of(step.run);
  const auto index =
      static_cast<std::size_t>(std::max(0, command.place.line - step.run_place.line));
  std::string text;
  for (auto i = index; i < lines.size() && i < index + 8; ++i) {
    text += lines[i];
    if (!trim(lines[i]).ends_with('\\')) break;
    text += ' ';
  }
  return text;
}

bool is_deploy_step(const WorkflowStep& step) {
  const auto uses = to_lower(step.uses);
  if (any_of_words(uses, {"deploy", "render", "heroku", "flyctl", "ssh-action", "azure/webapps"}) &&
      !any_of_words(uses, {"deploy-pages", "gh-pages", "setup-render"}))
    return true;
  for (const auto& each : step.script.commands) {
    const auto raw = to_lower(raw_line(step, each));
    if ((each.name() == "curl" || each.name() == "wget") &&
        any_of_words(raw, {"deploy", "render.com", "hook"}) &&
        !any_of_words(raw, {"slack", "discord", "health"}))
      return true;
    if (any_of_words(raw, {"flyctl deploy", "fly deploy", "heroku container:release", "railway up",
                           "kubectl apply", "kubectl set image", "helm upgrade", "az webapp",
                           "gcloud run deploy", "eb deploy", "vercel --prod"}))
      return true;
    if (each.name() == "ssh" &&
        any_of_words(raw + each.heredoc, {"docker", "compose", "systemctl", "git pull"}))
      return true;
  }
  return false;
}

bool is_deploy_job(const WorkflowJob& job) {
  return std::ranges::any_of(job.steps, is_deploy_step);
}

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

bool is_open_event_text(std::string_view expression) {
  return any_of_words(
      expression, {"github.event.pull_request.title", "github.event.pull_request.body",
                   "github.event.issue.title", "github.event.issue.body",
                   "github.event.comment.body", "github.event.head_commit.message",
                   "github.event.commits", "github.head_ref", "github.event.pull_request.head.ref",
                   "github.event.review.body", "github.event.head_commit.author",
                   "github.event.inputs", "github.event.pull_request.head.label"});
}

template <typename Like>
void for_expressions(std::string_view text, Place origin, Like like) {
  int line = 0;
  for (const auto each : lines_of(text)) {
    for (auto begin = each.find("${{"); begin != std::string_view::npos;
         begin = each.find("${{", begin + 1)) {
      const auto end = each.find("}}", begin);
      if (end == std::string_view::npos) break;
      like(each.substr(begin, end + 2 - begin), each,
           Place{origin.line + line, static_cast<int>(begin) + 1});
    }
    ++line;
  }
}

Findings injected_text(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                               Findings& found) {
    for_expressions(step.run, step.run_place,
                    [&](std::string_view expression, std::string_view, Place place) {
                      if (is_open_event_text(expression))
                        found.push_back(at(flow.path, place, std::string(expression)));
                    });
    if (step.uses.find("github-script") != std::string::npos)
      for_expressions(step.input("script"), step.place,
                      [&](std::string_view expression, std::string_view, Place) {
                        if (is_open_event_text(expression))
                          found.push_back(at(flow.path, step.place, std::string(expression)));
                      });
  });
}

bool fails_on_errors(std::string_view line) {
  for (const auto& word : split(line, ' ')) {
    if (word.starts_with("--fail")) return true;
    const bool flags = word.size() > 1 && word[0] == '-' && word[1] != '-';
    if (flags && word.find('f') != std::string::npos &&
        word.find_first_of("=/:") == std::string::npos)
      return true;
  }
  return line.find("http_code") != std::string_view::npos;
}

Findings deaf_hook(const Subject& subject) {
  return for_commands(
      subject, [](const WorkflowStep& step, const ShellCommand& each) -> std::optional<Finding> {
        if (each.name() != "curl") return std::nullopt;
        ShellCommand raw = each;
        raw.text = raw_line(step, each);
        const bool hook = is_hook(raw) || any_of_words(to_lower(raw.text), {"render.com/deploy"});
        if (!hook || fails_on_errors(raw.text)) return std::nullopt;
        return at("", each.place, raw.text);
      });
}

bool verifies(const WorkflowStep& step) {
  const auto lower = to_lower(step.name + " " + step.run);
  if (any_of_words(lower, {"health", "smoke", "verify", "http_code", "is up", "wait for"}))
    return true;
  for (const auto& each : step.script.commands) {
    if (each.name() != "curl" && each.name() != "wget") continue;
    ShellCommand raw = each;
    raw.text = raw_line(step, each);
    if (!is_hook(raw) &&
        !any_of_words(to_lower(raw.text), {"slack", "discord", "webhook", "install", "codecov"}))
      return true;
  }
  return any_of_words(step.uses,
                      {"url-health-check", "playwright", "lighthouse", "wait-on", "http-request"});
}

Findings unverified(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows) {
    const WorkflowJob* deploy = nullptr;
    bool verified = false;
    for (const auto& job : flow.jobs) {
      if (is_deploy_job(job) && !deploy) deploy = &job;
      bool after = false;
      for (const auto& step : job.steps) {
        after |= is_deploy_step(step);
        if (after || deploy != nullptr) verified |= verifies(step) && !is_test_job(job);
        if (after) verified |= verifies(step);
      }
    }
    if (deploy && !verified)
      found.push_back(
          at(flow.path, deploy->place,
             "job " + deploy->name + " deploys and nothing looks at the site afterwards"));
  }
  return found;
}

bool measures_coverage(std::string_view text) {
  return any_of_words(
      text, {"--cov", "coverage run", "coverage report", "jest --coverage", "--coverage"});
}

bool demands_coverage(const Subject& subject, std::string_view text) {
  if (any_of_words(text, {"--cov-fail-under", "--fail-under", "coverageThreshold"})) return true;
  for (const auto& [path, kept] : subject.repository.texts) {
    const auto name = file_name(path);
    const bool config = name == "setup.cfg" || name == "pytest.ini" || name == "pyproject.toml" ||
                        name == ".coveragerc" || name == "tox.ini";
    if (config && any_of_words(kept, {"fail_under", "cov-fail-under", "fail-under"})) return true;
  }
  return false;
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
          const bool runs = any_of_words(each.text, {"pytest", "manage.py test", "coverage run"}) &&
                            !any_of_words(each.text, {"install"});
          if (runs && !tests) tests = &step;
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
        const auto otherwise = trim(each.or_else);
        const bool forgives = otherwise == "true" || otherwise == ":" ||
                              otherwise.starts_with("echo") || otherwise == "exit 0";
        if (!forgives || !is_test_command(each)) return std::nullopt;
        return at("", each.place, each.text + " || " + std::string(otherwise));
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

Findings glob_compared(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows) {
    for (const auto& job : flow.jobs) {
      if (compares_glob(job.condition))
        found.push_back(at(flow.path, job.condition_place, job.condition));
      for (const auto& step : job.steps)
        if (compares_glob(step.condition))
          found.push_back(at(flow.path, step.condition_place, step.condition));
    }
  }
  return found;
}

bool needs_tests(const Workflow& flow, const WorkflowJob& job, int depth = 0) {
  if (depth > 20) return false;
  for (const auto& name : job.needs) {
    const auto* other = flow.find(name);
    if (other &&
        (is_test_job(*other) || !other->uses.empty() || needs_tests(flow, *other, depth + 1)))
      return true;
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

Findings untested_publish(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows) {
    if (flow.system != WorkflowSystem::kGithub) continue;
    const bool follows = flow.triggers.find("workflow_run") != nullptr;
    for (const auto& job : flow.jobs) {
      const bool publishes = std::ranges::any_of(job.steps, is_publish_step) || is_deploy_job(job);
      if (!publishes || follows || tests_before(job) || needs_tests(flow, job)) continue;
      found.push_back(
          at(flow.path, job.place, "job " + job.name + " publishes whatever the tests say"));
    }
  }
  return found;
}

Findings forced_probe(const Subject& subject) {
  return for_commands(
      subject, [](const WorkflowStep& step, const ShellCommand& each) -> std::optional<Finding> {
        const auto otherwise = trim(each.or_else);
        const bool forgives = otherwise == "true" || otherwise == ":" ||
                              otherwise.starts_with("echo") || otherwise == "exit 0";
        if (!forgives || (each.name() != "curl" && each.name() != "wget")) return std::nullopt;
        ShellCommand raw = each;
        raw.text = raw_line(step, each);
        if (is_hook(raw)) return std::nullopt;
        return at("", each.place, each.text + " || " + std::string(otherwise));
      });
}

Findings prunes(const Subject& subject) {
  Findings found;
  const auto wrong = [](const ShellCommand& each) {
    if (each.name() != "docker" && each.name() != "docker-compose" && each.name() != "sudo")
      return false;
    const bool prune =
        each.has("prune") && (each.has("volume") || each.has("system") || each.has("image"));
    const bool down = each.has("down") && (each.has("-v") || each.has("--volumes"));
    return prune || down;
  };
  const auto look = [&](const std::string& path, const ShellScript& script) {
    for (const auto& each : script.commands) {
      if (wrong(each)) found.push_back(at(path, each.place, each.text));
      if (each.heredoc.empty()) continue;
      for (const auto& inner : read_shell(each.heredoc).commands)
        if (wrong(inner)) found.push_back(at(path, each.place, inner.text));
    }
  };
  for (const auto& flow : subject.repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps) {
        if (is_deploy_job(job)) look(flow.path, step.script);
        if (step.uses.find("ssh-action") == std::string::npos) continue;
        for (const auto& inner : read_shell(step.input("script")).commands)
          if (wrong(inner)) found.push_back(at(flow.path, step.place, inner.text));
      }
  for (const auto& script : subject.repository.scripts)
    if (any_of_words(to_lower(file_name(script.path)), {"deploy", "rollback", "release"}) &&
        !is_test_path(script.path))
      look(script.path, script.script);
  return found;
}

std::vector<std::string> pushed_tags(const WorkflowStep& step) {
  std::vector<std::string> tags;
  if (step.uses.find("build-push-action") != std::string::npos) {
    auto text = std::string(step.input("tags"));
    std::ranges::replace(text, ',', '\n');
    for (const auto& line : split(text, '\n'))
      if (!trim(line).empty()) tags.emplace_back(trim(line));
  }
  for (const auto& each : step.script.commands) {
    const bool push = each.name() == "docker" && each.has("push");
    if (push && each.words.size() > 2) tags.push_back(raw_line(step, each));
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
        const auto more = pushed_tags(step);
        if (!more.empty() && tags.empty()) place = step.place;
        tags.insert(tags.end(), more.begin(), more.end());
      }
      const bool only = !tags.empty() && std::ranges::all_of(tags, [](const std::string& tag) {
        const auto name = tag.substr(tag.rfind('/') == std::string::npos ? 0 : tag.rfind('/'));
        if (tag.find("outputs.tags") != std::string::npos ||
            tag.find("all-tags") != std::string::npos || tag.find(" -a ") != std::string::npos)
          return false;
        return trim(tag).ends_with(":latest") || name.find(':') == std::string::npos;
      });
      if (only) found.push_back(at(flow.path, place, "pushes " + join(tags, ", ")));
    }
  }
  return found;
}

Findings secret_argument(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                               Findings& found) {
    if (step.input("build-args").find("secrets.") != std::string_view::npos)
      found.push_back(at(flow.path, step.place, "build-args holds a secret"));
    int number = step.run_place.line;
    for (const auto line : lines_of(step.run)) {
      if (line.find("--build-arg") != std::string_view::npos &&
          line.find("secrets.") != std::string_view::npos)
        found.push_back(at(flow.path, {number, 1}, std::string(trim(line))));
      ++number;
    }
  });
}

Findings absent_coverage(const Subject& subject) {
  return for_commands(
      subject, [&](const WorkflowStep&, const ShellCommand& each) -> std::optional<Finding> {
        for (const auto& word : each.words) {
          if (!word.starts_with("--cov=")) continue;
          const auto path = word.substr(6);
          if (path.empty() || path == "." || path.find('$') != std::string::npos) continue;
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

Findings remote_secret(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                               Findings& found) {
    if (step.uses.find("ssh-action") != std::string::npos &&
        step.input("script").find("secrets.") != std::string_view::npos)
      found.push_back(at(flow.path, step.place, "the remote script holds a secret"));
    for (const auto& each : step.script.commands) {
      if (each.name() != "ssh") continue;
      const auto lines = lines_of(step.run);
      const auto from =
          static_cast<std::size_t>(std::max(0, each.place.line - step.run_place.line));
      const auto count = static_cast<std::size_t>(std::ranges::count(each.heredoc, '\n') +
                                                  std::ranges::count(each.text, '\n')) +
                         1;
      for (auto i = from; i < lines.size() && i < from + count; ++i) {
        const auto line = lines[i];
        const bool address =
            i == from && line.find("secrets.") < line.find_first_of("\"'<", line.find("ssh"));
        if (line.find("secrets.") != std::string_view::npos && !address &&
            any_of_words(to_lower(line), {"password", "token", "key", "secret_key", "login"}) &&
            line.find("export") != std::string_view::npos)
          found.push_back(at(flow.path, {step.run_place.line + static_cast<int>(i), 1},
                             std::string(trim(line))));
      }
    }
  });
}

Findings unescaped_payload(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                               Findings& found) {
    for_expressions(
        step.run, step.run_place,
        [&](std::string_view expression, std::string_view line, Place place) {
          const bool free_text =
              any_of_words(expression, {"commit.message", "pull_request.title", "pull_request.body",
                                        "github.actor", "head_ref", "ref_name", "issue.title"});
          const bool payload = any_of_words(line, {"\\\"", "\":", "{\""}) &&
                               any_of_words(step.run, {"curl"}) &&
                               any_of_words(line, {"\":", "\\\":", "{"});
          if (free_text && payload && any_of_words(expression, {"message", "title", "body"}))
            found.push_back(at(flow.path, place, std::string(expression) + " inside JSON"));
        });
  });
}

constexpr std::array kRules = {
    Rule{"CI-001", Severity::kMajor, "A test of $? that can never see a failure",
         "GitHub runs steps with `bash -e`: the shell ends at the failing command, so the branch "
         "behind the test, often the rollback, is dead.",
         "`if ! COMMAND; then ...; fi`", dead_branch},
    Rule{"CI-002", Severity::kMajor, "A stranger's text becomes a shell command",
         "The expression is replaced before the shell reads the line: a branch or title with "
         "`$(...)` runs with the workflow's secrets.",
         "Give it in `env:` and use \"$NAME\".", injected_text},
    Rule{"CI-003", Severity::kMajor, "The deploy hook's failure is not noticed",
         "curl exits 0 on 404 and 500: the pipeline is green and nothing was deployed.",
         "`curl --fail-with-body ...`", deaf_hook},
    Rule{"CI-004", Severity::kMajor, "Nothing looks at the site after the deploy",
         "The hook only says that a deploy was asked for.",
         "Fetch a page with --fail and compare what it says with the commit.", unverified},
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
         "`==` knows no wildcards, so the condition is never true.",
         "`startsWith(github.ref, 'refs/tags/')`", glob_compared},
    Rule{"CI-009", Severity::kMajor, "Publishing does not depend on the tests",
         "A commit whose tests fail is published all the same.", "`needs: [test]` on the job.",
         untested_publish},
    Rule{"CI-010", Severity::kMajor, "A probe's result is thrown away",
         "The check of the site can only succeed.", "Delete what stands behind `||`.",
         forced_probe},
    Rule{"CI-011", Severity::kMajor, "The deploy prunes volumes or images",
         "It deletes the data, or the image a rollback would need.",
         "Delete what is yours and old by its label; never volumes.", prunes},
    Rule{"CI-012", Severity::kMajor, "Only `latest` is pushed",
         "There is no image to roll back to, and nobody can tell what runs.",
         "Push the commit's SHA as a tag as well, and deploy that.", only_latest},
    Rule{"CI-013", Severity::kMajor, "A secret is a build argument",
         "It stays in the image's history for everybody who can pull it.",
         "`secrets:` of the build action with `RUN --mount=type=secret`.", secret_argument},
    Rule{"CI-014", Severity::kWarn, "Coverage of a path that does not exist",
         "It measures nothing and warns at most.", "Correct the path.", absent_coverage},
    Rule{"CI-015", Severity::kWarn, "A variable is tested that nothing sets",
         "The branch is always the same one.", "Set it in `env:`, or delete the branch.",
         unset_variable},
    Rule{"CI-016", Severity::kMajor, "A secret stands in a remote command",
         "It shows in the process list and in the shell's history over there.",
         "Give it by stdin or a file with mode 0600.", remote_secret},
    Rule{"CI-017", Severity::kWarn, "Free text inside a JSON payload",
         "A quote or a line break in a commit's message makes the payload invalid.",
         "`jq -n --arg text \"$MESSAGE\" '{text: $text}'`", unescaped_payload},
};

}  // namespace

std::span<const Rule> pipeline_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
