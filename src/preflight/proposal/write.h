#pragma once
// A proposal as ecluse.yml, as its reasons, as JSON. Pure.

#include <map>
#include <string>

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Parses as ecluse.yml to what the proposal says.
std::string ecluse_yml(const Proposal& proposal);
/// Files that ecluse.yml names and the repository lacks, by path, with their text.
std::map<std::string, std::string> files_beside(const Proposal& proposal);
/// One line a conclusion: "processes.web.command  gunicorn shop.wsgi ...  Procfile:1: web: ...".
std::string reasons_text(const Proposal& proposal);
/// What will be missing at run time, one paragraph each; "" for nothing.
std::string gaps_text(const Proposal& proposal);
/// {"file", "yaml", "beside": {path: text}, "reasons": [{key, value, path, line, seen}], "asks":
/// [...], "gaps": [{what, next, path, line}]}
std::string proposal_json(const Proposal& proposal, const std::string& file);

}  // namespace ecluse::preflight
