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
  const auto lower = to_lower(step.name + " " + step.run + " " + std::string(step.input("script")));
  if (any_of_words(lower, {"health", "smoke", "verify", "is up", "wait for"})) return true;
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

/// `${{ secrets.DOCKERHUB_USERNAME }}`: kept as a secret, and none.
bool names_secret(std::string_view line) {
  constexpr std::string_view kStart = "secrets.";
  for (auto from = line.find(kStart); from != std::string_view::npos;
       from = line.find(kStart, from + 1)) {
    const auto rest = line.substr(from + kStart.size());
    const auto name = rest.substr(0, rest.find_first_of(" }"));
    if (!any_of_words(to_lower(name), {"user", "host", "repo", "registry", "image", "app_name",
                                       "region", "port", "path"}))
      return true;
  }
  return false;
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
        const auto command = i == from ? line.find_first_of("\"'<", line.find("ssh")) : 0;
        const bool inside =
            command != std::string_view::npos && holds_secret(flow, line.substr(command));
        if (inside &&
            any_of_words(to_lower(line), {"password", "token", "key", "secret_key", "login"}) &&
            line.find("export") != std::string_view::npos)
          found.push_back(at(flow.path, {step.run_place.line + static_cast<int>(i), 1},
                             std::string(trim(line))));
      }
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
