#pragma once
// Artifact and Release: what was built, and what runs.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/key.h"
#include "model/spec.h"

namespace ecluse::model {

/// An immutable build result, named by the digest of its content.
struct Artifact {
  std::string digest;  ///< "sha256:" + 64 hex digits
  std::string app;
  std::string commit;       ///< 40 hex digits
  std::string environment;  ///< set only when variables were inlined for one environment
  std::uint64_t bytes = 0;
  WallTime built_at;
  bool operator==(const Artifact&) const = default;
};

/// Who wrote the commit and what they said; shown to people, never to a shell.
struct Commit {
  std::string sha;
  std::string author;
  std::string subject;
  WallTime at;
  bool operator==(const Commit&) const = default;
};

/// Artifact + configuration + secret versions: numbered, immutable. Rolling back to it restores
/// all.
struct Release {
  ReleaseKey key;
  Artifact artifact;
  Commit commit;
  EnvironmentSpec spec;
  std::map<std::string, std::uint32_t> secret_versions;  ///< name to version
  WallTime created_at;
  std::string created_by;
  std::string built_per_environment;  ///< why it is not the very artifact of promote_from; or empty
  ReleaseNumber layer = 0;            ///< the release whose jobs wrote its layer; 0: none has
  std::string audit;  ///< what the audit of its commit found, as JSON; empty: there was none
  bool operator==(const Release&) const = default;
};

}  // namespace ecluse::model
