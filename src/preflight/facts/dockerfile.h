#pragma once
// A Dockerfile as its instructions and stages. Own reader: Debian and npm keep none. Format: the
// Dockerfile reference of Docker (continuations, comments, heredocs, JSON form). Pure, total.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/place.h"

namespace ecluse::preflight {

struct Instruction {
  std::string name;                ///< upper case: "RUN"
  std::string text;                ///< what follows, continuations joined by spaces, flags removed
  std::vector<std::string> flags;  ///< "--from=build"
  std::optional<std::vector<std::string>> json;  ///< the exec form of CMD, ENTRYPOINT, ...
  std::string heredoc;
  Place place;

  std::string flag(std::string_view name) const;  ///< "" when absent
  /// The program and its arguments: the exec form, or `sh -c TEXT` as {"sh", "-c", TEXT}.
  std::vector<std::string> argv() const;
};

struct Stage {
  std::string image;  ///< of FROM, ARGs with defaults filled in
  std::string name;   ///< of AS
  Place place;
  std::vector<Instruction> instructions;

  const Instruction* last(std::string_view name) const;
};

struct Dockerfile {
  std::string path;
  std::vector<Instruction> before;  ///< ARGs in front of the first FROM
  std::vector<Stage> stages;
  std::optional<std::size_t> served;  ///< of `stages`, where it is not the last one that runs

  /// The one that runs in production.
  const Stage* final_stage() const {
    if (served) return &stages[*served];
    return stages.empty() ? nullptr : &stages.back();
  }
  const Stage* find_stage(std::string_view name) const;
  /// The stage's own instructions and those of the stages it is built from, base first.
  std::vector<const Instruction*> inherited(const Stage& stage) const;
};

constexpr std::size_t kInstructionsMax = 2'000;

Dockerfile read_dockerfile(std::string_view path, std::string_view source);
bool is_dockerfile_name(std::string_view file_name);

/// "key=value key2='a b'" of ENV, LABEL; the old form `ENV key value`, too.
std::vector<std::pair<std::string, std::string>> assignments_of(const Instruction& instruction);

}  // namespace ecluse::preflight
