#include "artifact/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ecluse::artifact {

namespace {
struct Symptom {
  std::string_view said;
  ErrorKind kind;
  std::string_view why;
  std::string_view hint;
};

/// The first that occurs wins: the more certain stand first.
constexpr std::array kSymptoms = {
    Symptom{"No space left on device", ErrorKind::kExhausted, "the disk is full",
            "free disk space (`ecluse` reclaims its own by retention), then deploy again"},
    Symptom{"ENOSPC", ErrorKind::kExhausted, "the disk is full",
            "free disk space, then deploy again"},
    Symptom{"Disk quota exceeded", ErrorKind::kExhausted, "the disk quota is used up",
            "free disk space, then deploy again"},
    Symptom{"No matching distribution found for", ErrorKind::kInvalid,
            "a requirement does not exist in that version",
            "check its name and version, and that this Python is one it supports"},
    Symptom{"ResolutionImpossible", ErrorKind::kInvalid, "the requirements contradict each other",
            "loosen one of the versions that pip names above"},
    Symptom{"THESE PACKAGES DO NOT MATCH THE HASHES", ErrorKind::kRefused,
            "a downloaded package is not the one that the requirements' hash names",
            "make the hashes again, after looking at why they changed"},
    Symptom{"No module named 'ensurepip'", ErrorKind::kUnavailable,
            "this Python comes without venv", "install the package python3-venv"},
    Symptom{"requires a different Python", ErrorKind::kInvalid,
            "a package wants another version of Python", "set `version:` under `build:`"},
    Symptom{"pg_config executable not found", ErrorKind::kInvalid,
            "psycopg2 is compiled here and PostgreSQL's headers are missing",
            "require psycopg2-binary, or install libpq-dev"},
    Symptom{"Python.h: No such file", ErrorKind::kInvalid,
            "a package is compiled here and Python's headers are missing",
            "install python3-dev, or take a version that has a wheel"},
    Symptom{"can only install with an existing package-lock.json", ErrorKind::kInvalid,
            "package-lock.json is missing", "run `npm install` and commit package-lock.json"},
    Symptom{"package.json and package-lock.json or npm-shrinkwrap.json are", ErrorKind::kInvalid,
            "the lock file does not fit package.json",
            "run `npm install` and commit package-lock.json"},
    Symptom{"Your lockfile needs to be updated", ErrorKind::kInvalid,
            "the lock file does not fit package.json", "run `yarn install` and commit yarn.lock"},
    Symptom{"The lockfile would have been modified", ErrorKind::kInvalid,
            "the lock file does not fit package.json", "run `yarn install` and commit yarn.lock"},
    Symptom{"ERR_PNPM_OUTDATED_LOCKFILE", ErrorKind::kInvalid,
            "the lock file does not fit package.json",
            "run `pnpm install` and commit pnpm-lock.yaml"},
    Symptom{"EBADENGINE", ErrorKind::kInvalid, "a package wants another version of Node",
            "set `version:` under `build:`"},
    Symptom{"ERESOLVE", ErrorKind::kInvalid, "npm cannot make the dependencies fit each other",
            "run `npm install` and commit package-lock.json"},
    Symptom{"missing go.sum entry", ErrorKind::kInvalid, "go.sum is incomplete",
            "run `go mod tidy` and commit go.sum"},
    Symptom{"Temporary failure in name resolution", ErrorKind::kUnavailable,
            "the package registry's name cannot be looked up", "check the network of this machine"},
    Symptom{"Could not find a version that satisfies", ErrorKind::kInvalid,
            "a requirement does not exist in that version", "check its name and version"},
    Symptom{"EAI_AGAIN", ErrorKind::kUnavailable, "the package registry's name cannot be looked up",
            "check the network of this machine"},
    Symptom{"ETIMEDOUT", ErrorKind::kUnavailable, "the package registry does not answer",
            "check the network of this machine"},
    Symptom{"Connection refused", ErrorKind::kUnavailable, "something it needs does not answer",
            "check the network of this machine"},
};

std::string quoted(const std::deque<std::string>& lines) {
  return fmt::format("the last {} lines:\n  {}", lines.size(), fmt::join(lines, "\n  "));
}

/// The rest of the sentence: it names the requirement, or the package.
std::string detail_of(std::string_view line, std::string_view said) {
  const std::size_t at = line.find(said);
  return std::string(line.substr(at, 300));
}

}  // namespace

bool is_telling(std::string_view line) {
  return std::ranges::any_of(kSymptoms, [&](const Symptom& symptom) {
    return line.find(symptom.said) != std::string_view::npos;
  });
}

Error explain_failure(int exit_code, const std::deque<std::string>& last_lines) {
  for (const Symptom& symptom : kSymptoms) {
    for (const std::string& line : last_lines) {
      if (line.find(symptom.said) == std::string::npos) continue;
      return {symptom.kind,
              fmt::format("exited {}: {} ({}); {}", exit_code, symptom.why,
                          detail_of(line, symptom.said), quoted(last_lines)),
              std::string(symptom.hint)};
    }
  }
  constexpr int kNotFound = 127;
  if (exit_code == kNotFound) {
    return {ErrorKind::kNotFound,
            fmt::format("exited 127: a command does not exist; {}", quoted(last_lines)),
            "is it installed on this machine, or by the project's dependencies?"};
  }
  return {ErrorKind::kInvalid, fmt::format("exited {}; {}", exit_code, quoted(last_lines)), {}};
}

}  // namespace ecluse::artifact
