#include "cli/rollout_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/text.h"

namespace ecluse::cli {

namespace {

constexpr std::size_t kLogLinesShown = 100;

struct Mark {
  Ink ink;
  const char* sign;
  const char* plain;
  const char* word;
};

Mark mark_of(control::StageState state) {
  switch (state) {
    case control::StageState::kPending:
      return {Ink::kDim, "·", ".", "waiting"};
    case control::StageState::kRunning:
      return {Ink::kBold, "▸", ">", "running"};
    case control::StageState::kDone:
      return {Ink::kGood, "✓", "+", "done"};
    case control::StageState::kFailed:
      return {Ink::kBad, "✗", "x", "failed"};
    case control::StageState::kSkipped:
      return {Ink::kDim, "-", "-", "skipped"};
  }
  return {Ink::kPlain, "?", "?", "?"};
}

std::string clipped(const std::string& text, int width) {
  const auto line = readable(text.substr(0, text.find('\n')), 400);
  return columns_of(line) <= static_cast<std::size_t>(width) ? line
                                                             : line.substr(0, width - 3) + "...";
}

void section(const Terminal& terminal, const std::string& title) {
  terminal.err << "\n" << terminal.paint(Ink::kBold, title) << "\n";
}

void print_probes(const Terminal& terminal, const control::FailureEvidence& evidence) {
  if (evidence.probes.empty()) return;
  section(terminal, "Last probes");
  for (const auto& probe : evidence.probes) {
    const auto status =
        probe.status == 0 ? std::string("no answer") : fmt::format("{}", probe.status);
    terminal.err << fmt::format("  {}  {}  {}  {}\n", short_time(probe.at), probe.what,
                                terminal.paint(probe.ok ? Ink::kGood : Ink::kBad, status),
                                readable(probe.detail));
  }
}

void print_listeners(const Terminal& terminal, const control::FailureEvidence& evidence) {
  section(terminal, "Ports it really listens on");
  if (evidence.listeners.empty()) terminal.err << "  none\n";
  for (const auto& listener : evidence.listeners) {
    terminal.err << fmt::format("  {}:{}\n", listener.address, listener.port);
  }
}

void print_output(const Terminal& terminal, const control::FailureEvidence& evidence) {
  const auto count = std::min(evidence.last_lines.size(), kLogLinesShown);
  section(terminal, count == 0 ? "It wrote nothing" : fmt::format("Its last {} lines", count));
  for (auto line = evidence.last_lines.end() - static_cast<std::ptrdiff_t>(count);
       line != evidence.last_lines.end(); ++line) {
    terminal.err << "  | " << readable(*line, 2000) << "\n";
  }
}

void print_evidence(const Terminal& terminal, const control::FailureEvidence& evidence) {
  if (!evidence.instance.empty()) terminal.err << "  instance: " << evidence.instance << "\n";
  if (evidence.exit_code) {
    const auto code = *evidence.exit_code;
    terminal.err << "  exit code: "
                 << (code < 0     ? "unknown"
                     : code > 128 ? fmt::format("{} (signal {})", code, code - 128)
                                  : fmt::format("{}", code))
                 << "\n";
  }
  print_probes(terminal, evidence);
  if (!evidence.instance.empty()) print_listeners(terminal, evidence);
  print_output(terminal, evidence);
  if (!evidence.likely_reason.empty()) {
    section(terminal, "Most likely");
    terminal.err << "  " << evidence.likely_reason << "\n";
  }
  if (!evidence.next_step.empty()) {
    section(terminal, "What to do next");
    terminal.err << "  " << evidence.next_step << "\n";
  }
}

}  // namespace

std::string headline(const control::RolloutView& rollout) {
  std::vector<std::string> facts;
  if (rollout.release != 0) facts.push_back(fmt::format("release {}", rollout.release));
  if (!rollout.commit.empty()) facts.push_back("commit " + short_commit(rollout.commit));
  return fmt::format("{} {}{} by {}", rollout.kind, rollout.id,
                     facts.empty() ? "" : fmt::format(" ({})", join(facts, ", ")), rollout.actor);
}

std::string state_of(const control::RolloutView& rollout) {
  switch (rollout.outcome) {
    case control::Outcome::kDone:
      return "done";
    case control::Outcome::kAborted:
      return "aborted";
    case control::Outcome::kFailed:
      return "failed";
    case control::Outcome::kSuperseded:
      return "superseded";
    case control::Outcome::kRunning:
      break;
  }
  if (!rollout.waiting_for.empty()) return rollout.phase + ", waiting";
  if (rollout.paused) return "paused, " + rollout.phase;
  return rollout.serving ? "serving, " + rollout.phase : rollout.phase;
}

bool waits_for_person(const control::RolloutView& rollout) {
  const bool told_how = rollout.waiting_for.find("ecluse approve ") != std::string::npos;
  return rollout.outcome == control::Outcome::kRunning && (rollout.phase == "gated" || told_how);
}

std::vector<std::string> stage_lines(const Terminal& terminal,
                                     const control::RolloutView& rollout) {
  std::vector<std::string> lines;
  for (const auto& stage : rollout.stages) {
    const auto mark = mark_of(stage.state);
    const auto name = clipped(stage.name, 36);
    const auto took = stage.took ? to_string(*stage.took) : std::string();
    const auto detail = clipped(stage.detail, std::max(20, terminal.width - 54));
    lines.push_back(fmt::format("  {} {:<36} {:>9}  {}",
                                terminal.paint(mark.ink, terminal.unicode ? mark.sign : mark.plain),
                                name, took, terminal.paint(Ink::kDim, detail)));
  }
  return lines;
}

std::string plain_stage(const control::StageView& stage) {
  // Without a terminal each change is a line: the time that merely passes is none.
  const bool ended = stage.state != control::StageState::kRunning;
  const auto took = ended && stage.took ? " in " + to_string(*stage.took) : "";
  const auto detail = stage.detail.empty() ? "" : fmt::format(" ({})", readable(stage.detail));
  return fmt::format("{}: {}{}{}", readable(stage.name), mark_of(stage.state).word, took, detail);
}

void print_failure(const Terminal& terminal, const control::RolloutView& rollout) {
  terminal.err << terminal.paint(Ink::kBad, state_of(rollout)) << ": " << rollout.reason << "\n";
  if (rollout.evidence) print_evidence(terminal, *rollout.evidence);
  terminal.err << "\n";
  if (rollout.from_release != 0) {
    terminal.err << fmt::format("Release {} serves {} as before.\n", rollout.from_release,
                                to_string(rollout.environment));
  }
  terminal.err << fmt::format("All of it again: ecluse rollout {}\n", rollout.id);
}

std::string short_commit(const std::string& commit) {
  return commit.substr(0, 8);
}

std::string short_time(WallTime time) {
  auto text = to_string(time).substr(0, 19);
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text;
}

std::string short_bytes(std::uint64_t bytes) {
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  return value < 10 && unit > 0 ? fmt::format("{:.1f} {}", value, units[unit])
                                : fmt::format("{:.0f} {}", value, units[unit]);
}

}  // namespace ecluse::cli
