#pragma once
// Passwords of services: random, kept among the secrets.

#include <string>

#include "model/key.h"
#include "ports/secrets.h"
#include "services/engine.h"

namespace ecluse::services {

/// 192 bits of the kernel's randomness as letters and digits: safe in a URL, a shell and SQL.
std::string random_password();

/// The passwords of `service`, made on first use.
Result<Passwords> passwords_of(ports::Secrets& secrets, const model::EnvironmentKey& key,
                               const std::string& service, const Engine& engine);
/// As passwords_of(), but NotFound when they were never made.
Result<Passwords> known_passwords_of(ports::Secrets& secrets, const model::EnvironmentKey& key,
                                     const std::string& service, const Engine& engine);

}  // namespace ecluse::services
