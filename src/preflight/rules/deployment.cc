// CI-003, CI-004, CI-010, CI-011, CI-016: what a pipeline does to the machine that serves.

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "preflight/rules/rule.h"
#include "preflight/rules/step.h"

namespace ecluse::preflight {

namespace {

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

/// Asks another machine to deploy: by its address, or as the request of a job of that name.
bool asks_for_deploy(const WorkflowJob& job, const ShellCommand& raw, bool posts) {
  const auto lower = to_lower(raw.text);
  if (is_hook(raw) || lower.find("render.com/deploy") != std::string::npos) return true;
  return posts && to_lower(job.name).starts_with("deploy") &&
         !any_of_words(lower, {"slack", "discord", "telegram", "teams", "notif", "health"});
}

Findings deaf_hook(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob& job,
                               const WorkflowStep& step, Findings& found) {
    const bool forgiven = step.continue_on_error || job.continue_on_error;
    for (const auto& each : step.script.commands) {
      if (each.name() != "curl") continue;
      ShellCommand raw = each;
      raw.text = raw_line(step, each);
      if (!asks_for_deploy(job, raw, each.has("POST"))) continue;
      if (fails_on_errors(raw.text) && !forgiven) continue;
      found.push_back(
          at(flow.path, each.place, (forgiven ? "continue-on-error: " : "") + raw.text));
    }
  });
}

bool verifies(const WorkflowStep& step) {
  const auto lower = to_lower(step.name + " " + step.run + " " + std::string(step.input("script")));
  if (any_of_words(lower, {"health", "smoke", "verify", "is up", "wait for", "rollout status",
                           "services-stable"}))
    return true;
  for (const auto& each : step.script.commands) {
    if (each.name() != "curl" && each.name() != "wget") continue;
    ShellCommand raw = each;
    raw.text = raw_line(step, each);
    const bool posts = each.has("POST") || each.has("-d") || each.has("--data");
    if (!is_hook(raw) && !posts &&
        !any_of_words(to_lower(raw.text), {"slack", "discord", "webhook", "install", "codecov"}))
      return true;
  }
  return any_of_words(step.uses,
                      {"url-health-check", "playwright", "lighthouse", "wait-on", "http-request"});
}

/// A program of the repository's own that fetches something may be looking at the site.
bool verifies_by_program(const Repository& repository, const WorkflowStep& step) {
  return std::ranges::any_of(step.script.commands, [&](const ShellCommand& each) {
    const auto program = file_name(own_program(each));
    if (program.empty()) return false;
    const auto stem = std::string(program.substr(0, program.find('.')));
    for (const auto& script : repository.scripts)
      if (file_name(script.path) == program && any_of_words(script.text, {"curl", "wget"}))
        return true;
    return std::ranges::any_of(repository.imports, [&](const ModuleImports& module) {
      return file_name(module.path) == stem + ".py" &&
             std::ranges::any_of(module.imports, [](const Import& import) {
               return any_of_words(import.module, {"requests", "httpx", "urllib", "aiohttp"});
             });
    });
  });
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
        if (after) verified |= verifies(step) || verifies_by_program(subject.repository, step);
      }
    }
    if (deploy && !verified)
      found.push_back(
          at(flow.path, deploy->place,
             "job " + deploy->name + " deploys and nothing looks at the site afterwards"));
  }
  return found;
}

/// `ok=1` at the head of a loop and `ok=1; break` where the probe succeeded: it always succeeds.
/// The index of the first one's line.
std::optional<int> constant_result(std::string_view script) {
  std::map<std::string, int, std::less<>> set;
  bool head = false;
  int number = -1;
  for (const auto line : lines_of(script)) {
    ++number;
    auto bare = trim(line);
    while (bare.ends_with(';')) bare = trim(bare.substr(0, bare.size() - 1));
    if (any_of_words(bare, {"for ", "while ", "until "}) && bare.ends_with("do")) head = true;
    if (bare.starts_with("if ")) head = false;
    if (bare == "done") set.clear();
    const bool plain =
        bare.find('=') != std::string_view::npos && std::ranges::all_of(bare, [](unsigned char c) {
          return std::isalnum(c) || c == '_' || c == '=';
        });
    if (head && plain) set.emplace(bare, number);
    if (!contains_word(bare, "break")) continue;
    for (const auto& [assignment, where] : set)
      if (bare.starts_with(assignment + ";") || bare.find(" " + assignment + ";") < bare.size())
        return where;
  }
  return std::nullopt;
}

bool is_probe(std::string_view text) {
  return any_of_words(text, {"curl", "wget"});
}

/// The probe's success ends the script with 0, and so does its end.
const ShellCommand* zero_either_way(const ShellScript& script) {
  if (script.commands.empty()) return nullptr;
  const auto& last = script.commands.back();
  const auto is_zero = [](const ShellCommand& each) {
    return each.name() == "exit" && each.has("0");
  };
  if (!is_zero(last) || !last.condition.empty()) return nullptr;
  const bool earlier = std::any_of(
      script.commands.begin(), script.commands.end() - 1,
      [&](const ShellCommand& each) { return is_zero(each) && is_probe(each.condition); });
  return earlier ? &last : nullptr;
}

Findings forced_probe(const Subject& subject) {
  auto found = for_commands(
      subject, [](const WorkflowStep& step, const ShellCommand& each) -> std::optional<Finding> {
        if (!forgives(each) || (each.name() != "curl" && each.name() != "wget"))
          return std::nullopt;
        ShellCommand raw = each;
        raw.text = raw_line(step, each);
        if (is_hook(raw)) return std::nullopt;
        return at("", each.place, each.text + " || " + std::string(trim(each.or_else)));
      });
  auto constant = for_steps(subject, [](const Workflow& flow, const WorkflowJob&,
                                        const WorkflowStep& step, Findings& out) {
    for_scripts(step, [&](const ShellScript& script, std::string_view text) {
      if (const auto line = constant_result(text))
        out.push_back(at(flow.path, {script.place.line + *line, 1},
                         std::string(trim(lines_of(text)[static_cast<std::size_t>(*line)])) +
                             " in front of the probe that should say so"));
      if (const auto* last = zero_either_way(script))
        out.push_back(at(flow.path, last->place, "exit 0 although the probe failed"));
    });
  });
  found.insert(found.end(), constant.begin(), constant.end());
  return found;
}

bool prunes_data(const ShellCommand& each) {
  if (each.name() != "docker" && each.name() != "docker-compose" && each.name() != "sudo")
    return false;
  const bool prune =
      each.has("prune") && (each.has("volume") || each.has("system") || each.has("image"));
  const bool down = each.has("down") && (each.has("-v") || each.has("--volumes"));
  return prune || down;
}

void look_for_prunes(const std::string& path, const ShellScript& script, Findings& found) {
  for (const auto& each : script.commands) {
    if (prunes_data(each)) found.push_back(at(path, each.place, each.text));
    if (each.heredoc.empty()) continue;
    for (const auto& inner : read_shell(each.heredoc).commands)
      if (prunes_data(inner)) found.push_back(at(path, each.place, inner.text));
  }
}

Findings prunes(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps) {
        if (is_deploy_job(job)) look_for_prunes(flow.path, step.script, found);
        look_for_prunes(flow.path, step.remote, found);
      }
  for (const auto& script : subject.repository.scripts)
    if (any_of_words(to_lower(file_name(script.path)), {"deploy", "rollback", "release"}) &&
        !is_test_path(script.path))
      look_for_prunes(script.path, script.script, found);
  return found;
}

/// DOCKERHUB_USERNAME, VPS_IP: kept as a secret, and none.
bool is_no_secret(std::string_view name) {
  const auto lower = to_lower(name);
  return any_of_words(lower, {"user", "host", "repo", "registry", "image", "app_name", "region",
                              "port", "path", "domain", "server", "email"}) ||
         lower.ends_with("_ip") || lower.ends_with("_dir") || lower.ends_with("_name");
}

/// `${{ secrets.KEY }}` stands in the line.
bool names_secret(std::string_view line) {
  constexpr std::string_view kStart = "secrets.";
  for (auto from = line.find(kStart); from != std::string_view::npos;
       from = line.find(kStart, from + 1)) {
    const auto rest = line.substr(from + kStart.size());
    if (!is_no_secret(rest.substr(0, rest.find_first_of(" }")))) return true;
  }
  return false;
}

/// What stands behind `user@host` in the line of an ssh command: the remote one.
std::string_view behind_destination(std::string_view line) {
  const auto at_sign = line.find('@');
  if (at_sign == std::string_view::npos) return {};
  auto rest = line.substr(at_sign + 1);
  if (rest.starts_with("${{")) rest.remove_prefix(std::min(rest.find("}}"), rest.size()));
  return rest.substr(std::min(rest.find(' '), rest.size()));
}

/// A secret of the pipeline in what another machine is told to run.
bool tells_secret(const Workflow& flow, std::string_view line) {
  if (flow.system == WorkflowSystem::kGithub) return names_secret(line);
  return holds_secret(flow, line) &&
         any_of_words(to_lower(line), {"password", "token", "key", "secret", "login"});
}

/// The line of a step's script in which its ssh command gives a secret away.
std::optional<int> secret_of_ssh(const Workflow& flow, const WorkflowStep& step,
                                 const ShellCommand& ssh) {
  const auto lines = lines_of(step.run);
  const auto from = static_cast<std::size_t>(std::max(0, ssh.place.line - step.run_place.line));
  const auto own = static_cast<std::size_t>(std::ranges::count(ssh.text, '\n')) + 1;
  const auto all = own + static_cast<std::size_t>(std::ranges::count(ssh.heredoc, '\n'));
  bool remote = false;  // the destination was named, in this line or one before
  for (auto i = from; i < lines.size() && i < from + all; ++i) {
    const bool command = i < from + own;
    const auto told = command && !remote ? behind_destination(lines[i]) : lines[i];
    remote |= lines[i].find('@') != std::string_view::npos;
    if (tells_secret(flow, told)) return static_cast<int>(i);
  }
  return std::nullopt;
}

Findings remote_secret(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                               Findings& found) {
    int number = step.remote.place.line - 1;
    for (const auto line : lines_of(step.input("script"))) {
      ++number;
      if (!names_secret(line)) continue;
      found.push_back(at(flow.path, {number, 1}, "the remote script holds a secret"));
      break;
    }
    const auto lines = lines_of(step.run);
    for (const auto& each : step.script.commands) {
      const auto line = each.name() == "ssh" ? secret_of_ssh(flow, step, each) : std::nullopt;
      if (line)
        found.push_back(at(flow.path, {step.run_place.line + *line, 1},
                           std::string(trim(lines[static_cast<std::size_t>(*line)]))));
    }
  });
}

constexpr std::array kRules = {
    Rule{"CI-003", Severity::kMajor, "The deploy hook's failure is not noticed",
         "curl exits 0 on 404 and 500: the pipeline is green and nothing was deployed.",
         "`curl --fail-with-body ...`", deaf_hook},
    Rule{"CI-004", Severity::kMajor, "Nothing looks at the site after the deploy",
         "The hook only says that a deploy was asked for.",
         "Fetch a page with --fail and compare what it says with the commit.", unverified},
    Rule{"CI-010", Severity::kMajor, "A probe's result is thrown away",
         "The check of the site can only succeed.", "Delete what stands behind `||`.",
         forced_probe},
    Rule{"CI-011", Severity::kMajor, "The deploy prunes volumes or images",
         "It deletes the data, or the image a rollback would need.",
         "Delete what is yours and old by its label; never volumes.", prunes},
    Rule{"CI-016", Severity::kMajor, "A secret stands in a remote command",
         "It shows in the process list and in the shell's history over there.",
         "Give it by stdin or a file with mode 0600.", remote_secret},
};

}  // namespace

std::span<const Rule> deployment_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
