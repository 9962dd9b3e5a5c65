// SEC-001..008: secrets where everybody can read them.

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

std::string last_part(std::string_view target) {
  auto end = target.size();
  while (end > 0 && (target[end - 1] == ']' || target[end - 1] == ')')) --end;
  target = target.substr(0, end);
  const auto at = target.find_last_of(".[(");
  return std::string(at == std::string_view::npos ? target : target.substr(at + 1));
}

/// "access_token", "Password is required", "/reset/": words about secrets, not secrets.
bool looks_like_words(std::string_view value) {
  // "required|min:6", "src/Login/PASSWORD_CHANGE": a rule of a form, the name of an action.
  if (value.starts_with("required") || value.find('|') != std::string_view::npos) return true;
  const bool path =
      value.find('/') != std::string_view::npos && std::ranges::none_of(value, [](unsigned char c) {
        return std::isdigit(c) || c == '+' || c == '=';
      });
  if (path) return true;
  if (value.find(' ') != std::string_view::npos && value.size() < 24) return true;
  // SECURITY_PASSWORD_HASH = "sha512_crypt": how it is made.
  if (value.size() < 24 &&
      any_of_words(to_lower(value), {"bcrypt", "argon2", "pbkdf2", "scrypt", "sha256", "sha512"}))
    return true;
  if (std::ranges::count(value, ' ') >= 2) return true;
  if (value.starts_with('/') || value.find("://") != std::string_view::npos) return true;
  // DATA_API_KEY = ".data-api": where a page keeps something.
  const bool selector = value.starts_with('.') || value.starts_with('#');
  if (selector && std::ranges::all_of(value.substr(1), [](unsigned char c) {
        return std::islower(c) || c == '-' || c == '_';
      }))
    return true;
  const bool plain = std::ranges::all_of(
      value, [](unsigned char c) { return std::isalpha(c) || c == '_' || c == '-' || c == '.'; });
  return plain && is_secret_name(value);
}

bool is_literal_secret(const Value& value, std::size_t bytes_min) {
  return value.kind == ValueKind::kString && !value.interpolated &&
         value.text.size() >= bytes_min && !is_placeholder(value.text) &&
         !looks_like_words(value.text);
}

/// EXAMPLE_TOKEN, demoPassword: shown to readers, given to nobody.
bool is_shown(std::string_view name) {
  return any_of_words(to_lower(name), {"example", "sample", "demo", "dummy", "mock", "fake"});
}

/// The name of something whose literal value is a secret that leaks.
bool leaks(std::string_view name) {
  return is_secret_name(name) && !is_shown(name);
}

std::string hidden(std::string_view name, std::size_t bytes) {
  return std::string(name) + " = a literal of " + std::to_string(bytes) + " characters";
}

/// {"host": ..., "user": ..., "password": ...}: what stands there is used, however short.
bool is_connection(const Value& value) {
  const bool account = value.find("user") || value.find("username");
  return value.find("host") || value.find("HOST") || value.find("database") ||
         value.find("dbname") || (account && value.kind == ValueKind::kCall);
}

void literal_items(const CodeFile& file, const Value& value, Findings& found) {
  if (value.kind != ValueKind::kMap && value.kind != ValueKind::kCall) return;
  const std::size_t bytes_min = is_connection(value) ? 3 : 6;
  for (const auto& item : value.items) {
    if (leaks(item.key) && is_literal_secret(item.value, bytes_min))
      found.push_back(at(file.path, item.value.place, hidden(item.key, item.value.text.size())));
    literal_items(file, item.value, found);
  }
}

/// A call whose keywords are used as they stand: a connection, an account, Flask's settings.
bool opens_connection(const Call& call) {
  for (const auto* name : {"connect", "create_engine", "Redis", "StrictRedis", "MongoClient",
                           "Pool", "Client", "createConnection", "createPool", "Sequelize",
                           "createUser", "config.update", "from_mapping"})
    if (ends_with_name(call.callee(), name)) return true;
  return false;
}

bool is_signing_key(std::string_view name) {
  const auto lower = to_lower(name);
  return any_of_words(lower, {"secret_key", "secretkey", "jwt_secret", "jwtsecret",
                              "session_secret", "secret"}) &&
         is_secret_name(name);
}

/// SECRET_KEY = "verysecret": a name that means nothing else, so words are its value, too.
bool is_plain_key(std::string_view name, const Value& value) {
  const auto lower = to_lower(name);
  return (lower.ends_with("secret_key") || lower.ends_with("jwt_secret")) &&
         value.kind == ValueKind::kString && !value.interpolated && value.text.size() >= 6 &&
         !is_placeholder(value.text) && to_lower(value.text) != lower &&
         std::ranges::all_of(
             value.text, [](unsigned char c) { return std::isalpha(c) || c == '_' || c == '-'; });
}

/// "mongodb://shop:k3J9dkq8@db/shop": an account of another machine.
bool holds_account(const Value& value) {
  if (value.kind != ValueKind::kString || value.interpolated) return false;
  const std::string_view text = value.text;
  const auto scheme = text.find("://");
  const auto host = text.rfind('@');
  if (scheme == std::string_view::npos || host == std::string_view::npos || host < scheme)
    return false;
  const bool database = any_of_words(text.substr(0, scheme),
                                     {"mongodb", "postgres", "mysql", "mariadb", "redis", "amqp"});
  const auto account = text.substr(scheme + 3, host - scheme - 3);
  const auto colon = account.find(':');
  if (!database || colon == std::string_view::npos) return false;
  const auto password = account.substr(colon + 1);
  const bool shown = password.find_first_of("{}<>$%[ /") != std::string_view::npos ||
                     is_placeholder(password) || password == "pass";
  const auto at_home = text.substr(host + 1);
  return !password.empty() && !shown &&
         !any_of_words(at_home.substr(0, at_home.find('/')),
                       {"localhost", "127.0.0.1", "example"}) &&
         !at_home.starts_with("host");
}

bool is_password_name(std::string_view name) {
  const auto lower = to_lower(name);
  return (any_of_words(lower, {"password", "passwd"}) || lower == "pwd") && is_secret_name(lower);
}

/// `const password = "..."` of createAdminAccount(): SEC-004 tells of it.
bool is_for_administrator(const CodeFile& file, const Assignment& each) {
  if (each.value.kind != ValueKind::kString || !is_password_name(last_part(each.target)))
    return false;
  const auto where = to_lower(std::string(file_name(file.path)) + " " + each.scope.function);
  return any_of_words(where, {"admin", "superuser"});
}

/// `api_key: str = "..."` of a class of settings, which a variable may replace: SEC-003 tells of
/// it.
bool is_default(const CodeFile& file, const Assignment& each) {
  return std::ranges::any_of(file.reads, [&](const EnvRead& read) {
    return read.spelling == "BaseSettings" && read.place.line == each.place.line;
  });
}

/// `docker login -u ci -p 81a9...`: a command of a pipeline or script that is given the password.
const std::string* password_given(const ShellCommand& each) {
  if (each.name() != "docker" || !each.has("login")) return nullptr;
  for (std::size_t i = 0; i + 1 < each.words.size(); ++i) {
    const auto& word = each.words[i + 1];
    const bool literal = word.size() >= 6 && word.find('$') == std::string::npos &&
                         word[0] != '-' && !is_placeholder(word);
    if ((each.words[i] == "-p" || each.words[i] == "--password") && literal) return &word;
  }
  return nullptr;
}

void secrets_of_commands(const Subject& subject, Findings& found) {
  const auto look = [&](const std::string& path, const ShellScript& script) {
    for (const auto& each : script.commands)
      if (const auto* password = password_given(each))
        found.push_back(at(path, each.place, hidden("docker login -p", password->size())));
  };
  for (const auto& flow : subject.repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps) look(flow.path, step.script);
  for (const auto& script : subject.repository.scripts) look(script.path, script.script);
}

/// A literal that nothing else tells of.
void assigned_secret(const CodeFile& file, const Assignment& each, Findings& found) {
  const auto name = last_part(each.target);
  const bool secret =
      leaks(name) && (is_literal_secret(each.value, 6) || is_plain_key(name, each.value));
  const bool account = !secret && is_production_code(file) && holds_account(each.value);
  if ((!secret && !account) || is_default(file, each) || is_for_administrator(file, each)) return;
  found.push_back(
      at(file.path, each.place,
         secret ? hidden(name, each.value.text.size()) : name + " holds an account's password"));
}

Findings literal_secret(const Subject& subject) {
  Findings found;
  secrets_of_commands(subject, found);
  for (const auto& file : subject.repository.code) {
    if (file.test || file.path.find("/migrations/") != std::string::npos) continue;
    for (const auto& each : file.assignments) {
      assigned_secret(file, each, found);
      if (each.value.kind == ValueKind::kMap) literal_items(file, each.value, found);
    }
    for (const auto& call : file.calls) {
      if (!opens_connection(call)) continue;
      literal_items(file, call.value, found);
      const auto* address = call.value.at(0);
      if (address && is_production_code(file) && holds_account(*address))
        found.push_back(at(file.path, address->place, call.callee() + "() with a password in it"));
    }
  }
  return found;
}

// Published in a tutorial, a template or a manual: whoever reads those can sign sessions.
constexpr std::array kPublishedKeys = {"keyboard cat",
                                       "dev",
                                       "secret",
                                       "secret_key",
                                       "secret-key",
                                       "mysecret",
                                       "my-secret-key",
                                       "mysecretkey",
                                       "supersecret",
                                       "super-secret",
                                       "supersecretkey",
                                       "super_secret_key",
                                       "your-secret-key",
                                       "your_secret_key",
                                       "your-secret-key-here",
                                       "changeme",
                                       "change-me",
                                       "change_me",
                                       "hard to guess string",
                                       "you-will-never-guess",
                                       "my_secret_key",
                                       "thisisasecret",
                                       "devkey",
                                       "dev-secret-key",
                                       "dev-secret",
                                       "secret123",
                                       "insecure"};

// Keys of tutorials and templates that look like real ones, as FNV-1a 64 of their text: who copies
// this source must not find a key in it.
constexpr std::array<std::uint64_t, 2> kPublishedDigests = {0x9e680ab2b36ac49a, 0x3c36fd2b0dd2c078};

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t digest = 0xcbf29ce484222325;
  for (const unsigned char byte : text) digest = (digest ^ byte) * 0x100000001b3;
  return digest;
}

/// A template's own key: whoever read the template has it.
bool is_template_key(const Value& value) {
  return value.kind == ValueKind::kString &&
         std::ranges::find(kPublishedDigests, fnv1a(value.text)) != kPublishedDigests.end();
}

bool is_published(const Value& value) {
  return is_template_key(value) || (value.kind == ValueKind::kString &&
                                    std::ranges::any_of(kPublishedKeys, [&](std::string_view key) {
                                      return value.text == key;
                                    }));
}

/// A default of which SEC-002 tells; of "changeme" and the like SEC-003 does.
bool falls_back_to_template_key(const EnvRead& read) {
  return is_signing_key(read.name) && read.fallback && is_template_key(*read.fallback);
}

Findings published_key(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.code) {
    if (file.test) continue;
    for (const auto& each : file.assignments) {
      if (is_signing_key(last_part(each.target)) && is_published(each.value))
        found.push_back(at(file.path, each.place, last_part(each.target) + " is a published key"));
    }
    for (const auto& read : file.reads) {
      if (falls_back_to_template_key(read))
        found.push_back(at(file.path, read.place, read.name + " falls back to a published key"));
    }
  }
  for (const auto& file : subject.repository.env_files) {
    if (file.example) continue;
    for (const auto& line : file.lines) {
      Value value;
      value.kind = ValueKind::kString;
      value.text = line.value;
      if (is_signing_key(line.name) && is_published(value))
        found.push_back(at(file.path, line.place, line.name + " is a published key"));
    }
  }
  return found;
}

/// SEC-004's own: one line is one finding.
bool is_administrator_password(std::string_view name) {
  return any_of_words(to_lower(name), {"admin_password", "superuser_password", "admin_pass"});
}

/// The literal that a fallback is, or that the file gives to the name it is: `Config.SECRET_KEY`.
const Value* literal_of(const CodeFile& file, const Value& fallback) {
  if (fallback.kind == ValueKind::kString) return &fallback;
  if (fallback.kind != ValueKind::kName) return nullptr;
  const auto name = last_part(fallback.text);
  for (const auto& each : file.assignments)
    if (each.target == name && each.value.kind == ValueKind::kString) return &each.value;
  return nullptr;
}

/// `JWT_SECRET: Joi.string().default("k3J9...")` in a schema of variables, as Joi, zod and yup have
/// them.
void schema_defaults(const CodeFile& file, Findings& found) {
  for (const auto& call : file.calls) {
    const auto* fields = ends_with_name(call.callee(), "object") ? call.value.at(0) : nullptr;
    if (!fields || fields->kind != ValueKind::kMap) continue;
    for (const auto& field : fields->items) {
      const bool variable = field.key == to_upper(field.key) && leaks(field.key);
      const auto* literal =
          ends_with_name(field.value.callee, "default") ? field.value.at(0) : nullptr;
      if (variable && literal && is_literal_secret(*literal, 4))
        found.push_back(at(file.path, field.value.place,
                           field.key + " falls back to a literal of " +
                               std::to_string(literal->text.size()) + " characters"));
    }
  }
}

/// `os.getenv("DATABASE_URL", "postgresql://shop:k3J9@db/shop")` leaks a password as well.
bool falls_back_to_secret(const EnvRead& read, const Value& literal) {
  if (is_administrator_password(read.name)) return false;
  return (is_secret_name(read.name) && !literal.text.empty()) || holds_account(literal);
}

Findings insecure_default(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.code) {
    if (!is_production_code(file)) continue;
    schema_defaults(file, found);
    for (const auto& read : file.reads) {
      if (!read.fallback || is_for_development(read.scope) || falls_back_to_template_key(read))
        continue;
      const auto* literal = literal_of(file, *read.fallback);
      if (!literal || !falls_back_to_secret(read, *literal)) continue;
      found.push_back(at(file.path, read.place,
                         read.name + " falls back to a literal of " +
                             std::to_string(literal->text.size()) + " characters"));
    }
  }
  return found;
}

const Value* given_password(const Call& call) {
  if (ends_with_name(call.callee(), "create_superuser")) {
    if (const auto* named = call.value.find("password")) return named;
    return call.value.at(2);
  }
  for (const auto* name : {"generate_password_hash", "hash_password", "set_password", "hashSync",
                           "make_password", "get_password_hash"}) {
    if (ends_with_name(call.callee(), name)) return call.value.at(0);
  }
  if (ends_with_name(call.callee(), "create_user") &&
      std::ranges::any_of(call.value.items, [](const Item& item) {
        return item.value.text.starts_with("admin") && item.key != "password";
      }))
    return call.value.find("password");
  const bool bcrypt = call.callee() == "bcrypt.hash" || call.callee() == "argon2.hash";
  return bcrypt ? call.value.at(0) : nullptr;
}

/// "value: hunter2" below "key: ADMIN_PASSWORD", as render.yaml and Kubernetes write variables.
void administrator_in_pairs(const Subject& subject, Findings& found) {
  for (const auto& [path, text] : subject.repository.texts) {
    if (!path.ends_with(".yaml") && !path.ends_with(".yml")) continue;
    bool named = false;
    int number = 0;
    for (const auto line : lines_of(text)) {
      ++number;
      auto bare = trim(line);
      if (bare.starts_with("- ")) bare = trim(bare.substr(2));
      const bool value = bare.starts_with("value:");
      const auto literal = value ? trim(bare.substr(6)) : std::string_view{};
      if (named && !literal.empty() && literal.find('$') == std::string_view::npos &&
          !is_placeholder(literal))
        found.push_back(at(path, {number, 1}, "an administrator's password stands in the file"));
      named = (bare.starts_with("key:") || bare.starts_with("name:")) &&
              is_administrator_password(bare);
    }
  }
}

Findings administrator_in_text(const Subject& subject) {
  Findings found;
  administrator_in_pairs(subject, found);
  for (const auto& [path, text] : subject.repository.texts) {
    if (is_test_path(path) || path.ends_with(".md") || path.ends_with(".rst")) continue;
    auto lines =
        lines_like(subject.repository, path, [](std::string_view line) -> std::optional<int> {
          if (trim(line).starts_with('#')) return std::nullopt;
          for (const std::string_view name : {"DJANGO_SUPERUSER_PASSWORD", "ADMIN_PASSWORD",
                                              "GF_SECURITY_ADMIN_PASSWORD", "create_superuser("}) {
            const auto column = line.find(name);
            if (column == std::string_view::npos) continue;
            auto value = trim(line.substr(column + name.size()));
            const bool sets = value.starts_with('=') || value.starts_with(':');
            if (name != "create_superuser(" && !sets) continue;
            if (sets) value = trim(value.substr(1));
            const bool literal = !value.empty() && value.find('$') == std::string_view::npos &&
                                 !is_placeholder(value) &&
                                 value.find("secrets.") == std::string::npos;
            if (literal) return static_cast<int>(column) + 1;
          }
          return std::nullopt;
        });
    for (auto& each : lines) each.evidence = "an administrator's password stands in the file";
    found.insert(found.end(), lines.begin(), lines.end());
  }
  return found;
}

Findings administrator_password(const Subject& subject) {
  Findings found = administrator_in_text(subject);
  for (const auto& file : subject.repository.code) {
    if (file.test) continue;
    for (const auto& call : file.calls) {
      const auto* password = given_password(call);
      const bool for_tests =
          any_of_words(to_lower(call.scope.function), {"test_", "_test", "testuser"});
      if (for_tests || !password || password->kind != ValueKind::kString || password->interpolated)
        continue;
      if (password->text.empty()) continue;
      found.push_back(
          at(file.path, call.value.place, call.callee() + "() with a literal password"));
    }
    for (const auto& each : file.assignments)
      if (is_for_administrator(file, each) && is_literal_secret(each.value, 4))
        found.push_back(at(file.path, each.place, each.target + " is a literal"));
    for (const auto& each : file.comparisons)
      if (is_password_name(last_part(each.name)) && is_literal_secret(each.literal, 4))
        found.push_back(at(file.path, each.place, each.name + " is compared with a literal"));
    for (const auto& read : file.reads) {
      if (is_administrator_password(read.name) && read.fallback &&
          read.fallback->kind == ValueKind::kString && !read.fallback->text.empty())
        found.push_back(at(file.path, read.place, read.name + " falls back to a literal"));
    }
  }
  return found;
}

bool holds_secret(const EnvLine& line) {
  if (is_secret_name(line.name) && !line.value.empty() && !is_placeholder(line.value)) return true;
  const auto at = line.value.find("://");
  const auto password_end = line.value.find('@');
  return at != std::string::npos && password_end != std::string::npos &&
         line.value.find(':', at + 3) < password_end && !is_placeholder(line.value);
}

Findings committed_env(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.env_files) {
    const auto* fact = subject.repository.find(file.path);
    if (file.example || !fact || !fact->committed || is_test_path(file.path)) continue;
    std::vector<std::string> names;
    Place first{1, 1};
    for (const auto& line : file.lines) {
      if (!holds_secret(line)) continue;
      if (names.empty()) first = line.place;
      names.push_back(line.name);
    }
    // Next and Vite read .env.development and the like from the commit: without secrets all is
    // well.
    const auto name = file_name(file.path);
    const bool for_production = name == ".env" || name == ".env.production" || name == ".env.prod";
    if (file.lines.empty() || (names.empty() && !for_production)) continue;
    auto made = at(file.path, first,
                   names.empty() ? std::to_string(file.lines.size()) +
                                       " variables, none of them secret by name"
                                 : "holds " + join(names, ", "));
    made.severity = names.empty() ? Severity::kInfo : Severity::kMajor;
    made.because = names.empty() ? "no value in it looks secret" : "values in it look secret";
    found.push_back(std::move(made));
  }
  return found;
}

/// What a committed file of variables holds is known; of another one nobody can say.
bool may_hold_secrets(const Repository& repository, std::string_view path) {
  const auto known = std::ranges::find(repository.env_files, path, &EnvFile::path);
  return known == repository.env_files.end() || std::ranges::any_of(known->lines, holds_secret);
}

/// `COPY .env .`: the file that is kept out of git is put into the image.
void copied_env(const Subject& subject, const Dockerfile& file, Findings& found) {
  const auto* stage = file.final_stage();
  if (!stage) return;
  for (const auto* each : file.inherited(*stage)) {
    if ((each->name != "COPY" && each->name != "ADD") || !each->flag("from").empty()) continue;
    const auto words = each->json ? *each->json : split(each->text, ' ');
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      const auto name = to_lower(file_name(words[i]));
      const bool variables = name == ".env" || name == ".env.production" || name == ".env.prod";
      if (variables &&
          may_hold_secrets(subject.repository,
                           join_path(build_context(subject.repository, file), words[i])))
        found.push_back(at(file.path, each->place, each->name + " " + each->text));
    }
  }
}

Findings secret_in_image(const Subject& subject) {
  Findings found;
  for (const auto* file : subject.stack.dockerfiles) copied_env(subject, *file, found);
  for (const auto& file : subject.repository.dockerfiles) {
    for (const auto& stage : file.stages) {
      for (const auto& each : stage.instructions) {
        if (each.name != "ENV" && each.name != "ARG") continue;
        for (const auto& [name, value] : assignments_of(each)) {
          if (!is_secret_name(name)) continue;
          if (each.name == "ENV" && value.empty()) continue;
          found.push_back(at(file.path, each.place, each.name + " " + name));
        }
      }
    }
  }
  return found;
}

Value text_value(const std::string& text) {
  Value value;
  value.kind = ValueKind::kString;
  value.text = text;
  return value;
}

/// "xxxxx", "<password>": nothing starts with that.
bool is_masked(std::string_view value) {
  return value.find_first_not_of("xX*.") == std::string_view::npos ||
         (value.starts_with('<') && value.ends_with('>'));
}

Findings compose_password(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes) {
    for (const auto& service : compose.services) {
      for (const auto& variable : service.environment) {
        if (!variable.value) continue;
        const auto& value = *variable.value;
        const bool account =
            !variable.name.starts_with("TEST_") && holds_account(text_value(value));
        if (!is_secret_name(variable.name) && !account) continue;
        if (value.empty() || value.find("${") != std::string::npos || value.starts_with('$') ||
            is_masked(value))
          continue;
        auto made =
            at(compose.path, variable.place, service.name + ": " + variable.name + " is a literal");
        if (compose.development) {
          made.severity = Severity::kWarn;
          made.because = "the file is for development";
        }
        found.push_back(std::move(made));
      }
    }
  }
  return found;
}

/// `build:` of a Dockerfile that begins with `FROM postgres`.
bool is_database(const Subject& subject, const Compose& compose, const ComposeService& service) {
  if (!service_of_image(service.image).empty()) return true;
  const auto* file = subject.repository.find_dockerfile(built_from(compose, service));
  const auto* stage = file ? file->final_stage() : nullptr;
  return stage && !service_of_image(stage->image).empty();
}

Findings open_database(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes) {
    for (const auto& service : compose.services) {
      if (!is_database(subject, compose, service)) continue;
      for (const auto& port : service.ports) {
        const bool open = port.address.empty() || port.address == "0.0.0.0" || port.address == "::";
        if (!open) continue;
        auto made =
            at(compose.path, port.place,
               service.name + " publishes " +
                   (port.published.empty() ? port.target : port.published) + " on every interface");
        if (compose.development) {
          made.severity = Severity::kWarn;
          made.because = "the file is for development";
        }
        found.push_back(std::move(made));
      }
    }
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"SEC-001", Severity::kMajor, "A secret is written into the source",
         "Whoever can read the repository, today or in its history, has the secret.",
         "Read it from the environment (`os.environ[\"NAME\"]`), list it under `secrets:` in "
         "ecluse.yml, store it with `ecluse secret set`, and replace the value that leaked.",
         literal_secret},
    Rule{"SEC-002", Severity::kMajor, "The signing key is published",
         "The key stands in a template, a manual or a tutorial, so anybody can forge sessions and "
         "password reset links.",
         "Generate a key of your own (`ecluse secret set SECRET_KEY --generate`) and read it from "
         "the environment.",
         published_key},
    Rule{"SEC-003", Severity::kMajor, "A secret has a default that production would use",
         "When the variable is missing the app starts anyway, with a key that stands in the "
         "repository.",
         "Read it without a default, so that a missing secret stops the start.", insecure_default},
    Rule{"SEC-004", Severity::kMajor, "An administrator's password stands in the repository",
         "The account is made with a password that everybody with the source knows.",
         "Take the password from a secret, or make the account by hand once: `ecluse run -- python "
         "manage.py createsuperuser`.",
         administrator_password},
    Rule{
        "SEC-005", Severity::kMajor, "A .env file is committed",
        "Its values stay in the history even after the file is deleted.",
        "`git rm --cached` the file, add it to .gitignore, replace the secrets in it, and commit a "
        ".env.example with the names alone.",
        committed_env},
    Rule{"SEC-006", Severity::kMajor, "A secret is built into the image",
         "ENV and ARG values, and a .env that is copied in, stay readable for everybody who can "
         "pull the image.",
         "Give it at run time, or with `RUN --mount=type=secret` where a build needs it.",
         secret_in_image},
    Rule{"SEC-007", Severity::kMajor, "A password stands in the compose file",
         "It is the same on every installation and known to everybody with the source.",
         "Take it from the environment without a default: `${POSTGRES_PASSWORD:?}`.",
         compose_password},
    Rule{"SEC-008", Severity::kMajor, "A database or cache is published on every interface",
         "Docker's published ports bypass the host's firewall, so the database faces the internet.",
         "Remove `ports:` (services reach each other by name), or publish on 127.0.0.1.",
         open_database},
};

}  // namespace

std::span<const Rule> secret_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
