#pragma once
// Variables that a class of pydantic's settings reads: each of its fields is one. Pure.

#include <vector>

#include "preflight/facts/code.h"

namespace ecluse::preflight {

/// Adds to `reads` of all files what the fields of classes below pydantic's BaseSettings read, in
/// whichever file their base stands: by the field's name in capitals behind `env_prefix`, or by the
/// name that `Field(alias=...)` says; the fields of a model that is such a field's type behind
/// `env_nested_delimiter`. What the code gives a class itself, by a keyword, is not demanded.
/// Source: pydantic-settings, "Environment variable names" and "Parsing environment variable
/// values".
void follow_settings(std::vector<CodeFile>& files);

}  // namespace ecluse::preflight
