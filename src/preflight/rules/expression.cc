// CI-002, CI-013, CI-017: what becomes of the text that a pipeline puts into its commands.

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "preflight/rules/rule.h"
#include "preflight/rules/step.h"

namespace ecluse::preflight {

namespace {

bool is_open_event_text(std::string_view expression) {
  return any_of_words(
      expression,
      {"github.event.pull_request.title", "github.event.pull_request.body",
       "github.event.issue.title", "github.event.issue.body", "github.event.comment.body",
       "github.event.head_commit.message", "github.event.commits", "github.head_ref",
       "github.event.pull_request.head.ref", "github.event.review.body",
       "github.event.head_commit.author", "github.event.inputs",
       "github.event.pull_request.head.label", "pipeline.git.branch", "pipeline.git.tag",
       "pipeline.git.commit.", "pipeline.trigger_parameters."});
}

/// `${{ github.actor }}`, and CircleCI's `<< pipeline.git.branch >>`.
template <typename Like>
void for_expressions(std::string_view text, Place origin, Like like) {
  int line = 0;
  for (const auto each : lines_of(text)) {
    for (const auto& [open, close] : {std::pair{"${{", "}}"}, std::pair{"<< ", " >>"}}) {
      for (auto begin = each.find(open); begin != std::string_view::npos;
           begin = each.find(open, begin + 1)) {
        const auto end = each.find(close, begin);
        if (end == std::string_view::npos) break;
        like(each.substr(begin, end + std::string_view(close).size() - begin),
             Place{origin.line + line, static_cast<int>(begin) + 1});
      }
    }
    ++line;
  }
}

Findings injected_text(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                               Findings& found) {
    for_expressions(step.run, step.run_place, [&](std::string_view expression, Place place) {
      if (is_open_event_text(expression))
        found.push_back(at(flow.path, place, std::string(expression)));
    });
    if (step.uses.find("github-script") != std::string::npos)
      for_expressions(step.input("script"), step.place, [&](std::string_view expression, Place) {
        if (is_open_event_text(expression))
          found.push_back(at(flow.path, step.place, std::string(expression)));
      });
  });
}

Findings secret_argument(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                               Findings& found) {
    if (step.input("build-args").find("secrets.") != std::string_view::npos)
      found.push_back(at(flow.path, step.place, "build-args holds a secret"));
    int number = step.run_place.line;
    for (const auto line : lines_of(step.run)) {
      const auto argument = line.find("--build-arg");
      if (argument != std::string_view::npos && holds_secret(flow, line.substr(argument)))
        found.push_back(at(flow.path, {number, 1}, std::string(trim(line))));
      ++number;
    }
  });
}

bool is_free_text(std::string_view expression) {
  return any_of_words(expression, {"commit.message", "pull_request.title", "pull_request.body",
                                   "issue.title", "issue.body", "comment.body", "release.body"});
}

bool uses_any(std::string_view line, const std::set<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    return any_of_words(line, {"${" + name + "}", "${" + name + ":"}) ||
           contains_word(line, "$" + name);
  });
}

/// "NAME" of "NAME=$(...)"; "" when the line assigns nothing.
std::string assigned(std::string_view line) {
  const auto bare = trim(line);
  const auto equals = bare.find('=');
  const auto name = bare.substr(0, equals == std::string_view::npos ? 0 : equals);
  const bool good = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || c == '_';
  });
  return good ? std::string(name) : std::string{};
}

/// Variables of the step that hold what anybody may write: a commit's message, a title.
std::set<std::string> free_variables(const Workflow& flow, const WorkflowJob& job,
                                     const WorkflowStep& step) {
  std::set<std::string> names;
  for (const auto* list : {&flow.env, &job.env, &step.env})
    for (const auto& each : *list)
      if (is_free_text(each.value.text)) names.insert(each.key);
  for (const auto line : lines_of(step.run)) {
    const auto name = assigned(line);
    if (name.empty()) continue;
    const bool message =
        line.find("git log") != std::string_view::npos && any_of_words(line, {"%B", "%s", "%b"});
    if (message || is_free_text(line) || uses_any(line, names)) names.insert(name);
  }
  return names;
}

Findings unescaped_payload(const Subject& subject) {
  return for_steps(subject, [](const Workflow& flow, const WorkflowJob& job,
                               const WorkflowStep& step, Findings& found) {
    if (step.run.find("curl") == std::string::npos) return;
    const auto names = free_variables(flow, job, step);
    int number = step.run_place.line - 1;
    for (const auto line : lines_of(step.run)) {
      ++number;
      const bool json = any_of_words(line, {"\\\"", "{\""}) && !contains_word(line, "jq");
      if (json && (is_free_text(line) || uses_any(line, names)) && assigned(line).empty())
        found.push_back(at(flow.path, {number, 1}, std::string(trim(line))));
    }
  });
}

constexpr std::array kRules = {
    Rule{"CI-002", Severity::kMajor, "A stranger's text becomes a shell command",
         "The expression is replaced before the shell reads the line: a branch or title with "
         "`$(...)` runs with the workflow's secrets.",
         "Give it in `env:` and use \"$NAME\".", injected_text},
    Rule{"CI-013", Severity::kMajor, "A secret is a build argument",
         "It stays in the image's history for everybody who can pull it.",
         "`secrets:` of the build action with `RUN --mount=type=secret`.", secret_argument},
    Rule{"CI-017", Severity::kWarn, "Free text inside a JSON payload",
         "A quote or a line break in a commit's message makes the payload invalid.",
         "`jq -n --arg text \"$MESSAGE\" '{text: $text}'`", unescaped_payload},
};

}  // namespace

std::span<const Rule> expression_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
