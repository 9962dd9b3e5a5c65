#include "preflight/rules/step.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace ecluse::preflight {

namespace {
/// `docker compose run --rm tests`
bool runs_test_service(const ShellCommand& command) {
  const bool compose = command.name() == "docker-compose" || command.has("compose");
  if (!compose || !(command.has("run") || command.has("exec") || command.has("up"))) return false;
  return std::ranges::any_of(command.words, [](const std::string& word) {
    const auto lower = to_lower(word);
    return lower == "test" || lower == "tests" || lower.ends_with("-test") ||
           lower.ends_with("-tests") || lower.ends_with("_test") || lower.ends_with("_tests");
  });
}
}  // namespace

bool is_test_command(const ShellCommand& command) {
  if (any_of_words(command.text, {"install"})) return false;
  for (const std::string_view word :
       {"pytest",    "flake8",    "manage.py test", "npm test", "npm run test", "npm run lint",
        "yarn test", "jest",      "vitest",         "tox",      "ruff",         "mypy",
        "eslint",    "pylint",    "black --check",  "unittest", "bandit",       "safety",
        "go test",   "npm audit", "yarn audit",     "pip-audit"})
    if (command.text.find(word) != std::string::npos) return true;
  return runs_test_service(command);
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
  if (any_of_words(step.uses,
                   {"docker/push", "docker/publish", "build-and-push", "build_and_push"}))
    return true;  // orbs of CircleCI
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

namespace {

/// A runner of one's own takes the new source and restarts the containers beside it.
bool updates_this_machine(const WorkflowStep& step) {
  bool takes = false;
  bool starts = false;
  for (const auto& each : step.script.commands) {
    takes |= each.name() == "git" && (each.has("pull") || each.has("reset"));
    const bool compose =
        each.name() == "docker-compose" || (each.name() == "docker" && each.has("compose"));
    starts |= compose && (each.has("up") || each.has("restart"));
  }
  return takes && starts;
}

}  // namespace

std::string_view own_program(const ShellCommand& command) {
  bool interpreted = false;
  for (const std::string_view word : command.words) {
    if (word == "sudo" || word == "-m") continue;
    if (word == "bash" || word == "sh" || word == "python" || word == "python3") {
      interpreted = true;
      continue;
    }
    return interpreted || word.starts_with("./") || word.ends_with(".sh") ? word
                                                                          : std::string_view{};
  }
  return {};
}

bool is_deploy_step(const WorkflowStep& step) {
  const auto uses = to_lower(step.uses);
  if (any_of_words(uses, {"deploy", "render", "heroku", "flyctl", "ssh-action", "azure/webapps"}) &&
      !any_of_words(uses, {"deploy-pages", "gh-pages", "setup-render"}))
    return true;
  for (const auto& each : step.script.commands) {
    const auto raw = to_lower(raw_line(step, each));
    if (file_name(own_program(each)).starts_with("deploy")) return true;
    if ((each.name() == "curl" || each.name() == "wget") &&
        any_of_words(raw, {"deploy", "render.com", "hook"}) &&
        !any_of_words(raw, {"slack", "discord", "health"}))
      return true;
    if (any_of_words(raw, {"flyctl deploy", "fly deploy", "heroku container:release",
                           "git push heroku", "railway up", "ecs update-service", "kubectl apply",
                           "kubectl set image", "helm upgrade", "az webapp", "gcloud run deploy",
                           "eb deploy", "vercel --prod", "docker stack deploy"}))
      return true;
    if (each.name() == "ssh" &&
        any_of_words(raw + each.heredoc, {"docker", "compose", "systemctl", "git pull"}))
      return true;
  }
  return updates_this_machine(step);
}

/// A job of that name which asks another machine to do something.
bool posts(const WorkflowStep& step) {
  return std::ranges::any_of(step.script.commands, [](const ShellCommand& each) {
    return each.name() == "curl" && each.has("POST");
  });
}

/// `DOCKER_HOST: ssh://...`: its `docker compose up` starts the containers of another machine.
bool drives_other_docker(const WorkflowJob& job) {
  const bool other = std::ranges::any_of(job.env, [](const YamlEntry& each) {
    return each.key == "DOCKER_HOST" && each.value.text.starts_with("ssh://");
  });
  return other && std::ranges::any_of(job.steps, [](const WorkflowStep& step) {
           return std::ranges::any_of(step.script.commands, [](const ShellCommand& each) {
             const bool compose = each.name() == "docker-compose" || each.has("compose");
             return (compose && each.has("up")) || (each.has("stack") && each.has("deploy"));
           });
         });
}

bool is_deploy_job(const WorkflowJob& job) {
  if (drives_other_docker(job)) return true;
  const bool named = to_lower(job.name).starts_with("deploy");
  return std::ranges::any_of(job.steps, [&](const WorkflowStep& step) {
    return is_deploy_step(step) || (named && posts(step));
  });
}

bool holds_secret(const Workflow& flow, std::string_view line) {
  if (line.find("secrets.") != std::string_view::npos) return true;
  if (flow.system == WorkflowSystem::kGithub) return false;
  for (auto at = line.find('$'); at != std::string_view::npos; at = line.find('$', at + 1)) {
    auto name = line.substr(at + 1);
    if (name.starts_with('{')) name.remove_prefix(1);
    const auto end =
        std::ranges::find_if_not(name, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    if (is_secret_name(name.substr(0, static_cast<std::size_t>(end - name.begin())))) return true;
  }
  return false;
}

bool forgives(const ShellCommand& command) {
  const auto otherwise = trim(command.or_else);
  return otherwise == "true" || otherwise == ":" || otherwise.starts_with("echo") ||
         otherwise == "exit 0";
}

}  // namespace ecluse::preflight
