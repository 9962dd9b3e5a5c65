#include "preflight/proposal/listening_port.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "preflight/facts/text_file.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// "3000", in the digits of a port.
bool is_port(std::string_view text) {
  constexpr int kPortMax = 65535;
  int value = 0;
  if (text.empty()) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value > 0 &&
         value <= kPortMax && text[0] != '0';
}

/// EXPOSE of the image that starts the part.
std::optional<Proven> exposed_port(const Repository& repository, const Part& part) {
  const auto* file = repository.find_dockerfile(part.command.why.path);
  const auto* stage = file ? file->final_stage() : nullptr;
  if (!stage || repository.reads_variable("PORT")) return std::nullopt;
  for (const auto* each : file->inherited(*stage)) {
    const auto port = each->text.substr(0, each->text.find('/'));  // "8080/tcp"
    if (each->name == "EXPOSE" && !port.empty() && is_port(port))
      return Proven{port, {file->path, each->place, "EXPOSE " + each->text}};
  }
  return std::nullopt;
}

/// "4000" of `process.env.NODE_ENV !== "test" ? 4000 : 4001`: what is chosen in production.
std::string chosen_number(std::string_view text) {
  const auto question = text.find('?');
  const auto colon = text.find(':', question == std::string_view::npos ? text.size() : question);
  if (colon == std::string_view::npos) return {};
  const auto condition = text.substr(0, question);
  const bool production = condition.find("production") != std::string_view::npos;
  if (!production && !any_of_words(to_lower(condition), {"test", "development", "dev"})) return {};
  const bool negated = condition.find("!=") != std::string_view::npos;
  const auto first = trim(text.substr(question + 1, colon - question - 1));
  const auto second = trim(text.substr(colon + 1));
  return std::string(production != negated ? first : second);
}

/// What a variable of another name than PORT is taken for where it is not set, asked for in the
/// expression, or by that name of the app's settings: `config.SERVER_PORT`.
const Value* unset_number(const Repository& repository, const CodeFile& file, const Value& port) {
  const auto is_number = [](const EnvRead& read) {
    return read.fallback && read.fallback->kind == ValueKind::kNumber;
  };
  for (const auto& read : file.reads)
    if (is_number(read) &&
        (read.place == port.place || port.text.find(read.name) != std::string::npos))
      return &*read.fallback;
  const auto name = port.text.substr(port.text.rfind('.') + 1);
  if (port.kind != ValueKind::kName || !is_constant_name(name)) return nullptr;
  for (const auto& each : repository.code)
    for (const auto& read : each.reads)
      if (is_number(read) && read.name == name) return &*read.fallback;
  return nullptr;
}

/// The number that stands for `port`: itself, what its name was given in the same file, or what is
/// taken where a variable is not set.
std::string number_of(const Repository& repository, const CodeFile& file, const Value& port) {
  if (port.kind == ValueKind::kNumber) return port.text;
  if (const auto* number = unset_number(repository, file, port)) return number->text;
  if (port.kind == ValueKind::kOther) return chosen_number(port.text);
  if (port.kind != ValueKind::kName) return {};
  const auto* given = file.find_assignment(port.text);
  if (!given || given->value.kind == ValueKind::kName) return {};
  return number_of(repository, file, given->value);
}

/// `listen(3000)`: a port that no variable changes.
std::optional<Proven> port_of_file(const Repository& repository, const CodeFile& file) {
  for (const auto& call : file.calls) {
    const auto* port = call.value.at(0);
    if (!port || !ends_with_name(call.callee(), "listen")) continue;
    const auto number = number_of(repository, file, *port);
    if (is_port(number)) return Proven{number, {file.path, call.value.place, call.value.text}};
  }
  return std::nullopt;
}

/// The program that the part's command starts; null where it is built first, or hands on.
const CodeFile* started_program(const Repository& repository, const Part& part) {
  for (const auto& word : split(part.command.value, ' '))
    if (const auto* file = repository.find_code(join_path(part.root, word))) return file;
  return nullptr;
}

/// Another file may read PORT, and the program that is started listen on a number of its own.
std::optional<Proven> port_of_program(const Repository& repository, const Part& part) {
  const auto* file = started_program(repository, part);
  if (!file || std::ranges::find(file->reads, "PORT", &EnvRead::name) != file->reads.end())
    return std::nullopt;
  for (const auto& call : file->calls) {
    const auto* port = call.value.at(0);
    if (!port || !ends_with_name(call.callee(), "listen")) continue;
    const auto* given =
        port->kind == ValueKind::kName ? file->find_assignment(port->text) : nullptr;
    const auto& value = given ? given->value : *port;
    const auto number = value.kind == ValueKind::kNumber  ? value.text
                        : value.kind == ValueKind::kOther ? chosen_number(value.text)
                                                          : std::string();
    if (is_port(number)) return Proven{number, {file->path, call.value.place, call.value.text}};
  }
  return std::nullopt;
}

/// What `npm start` would make npm_package_config_port.
std::optional<Proven> configured_port(const Repository& repository, const Part& part) {
  const auto* package = repository.package_of(part.root);
  if (!package || !is_port(package->config_port)) return std::nullopt;
  return Proven{package->config_port,
                {package->path, {1, 1}, "config.port: " + package->config_port}};
}

bool reads_port(const Repository& repository, const Part& part) {
  return std::ranges::any_of(repository.code, [&](const CodeFile& file) {
    return is_below(file.path, part.root) && !file.test && file.language == Language::kJavaScript &&
           std::ranges::find(file.reads, "PORT", &EnvRead::name) != file.reads.end();
  });
}

}  // namespace

std::optional<Proven> listening_port(const Repository& repository, const Part& part) {
  if (part.framework == Framework::kProgram) return exposed_port(repository, part);
  const bool node = part.framework == Framework::kExpress || part.framework == Framework::kNode;
  if (!node) return std::nullopt;
  if (auto port = port_of_program(repository, part)) return port;
  if (reads_port(repository, part)) return std::nullopt;
  for (const auto& file : repository.code) {
    if (!is_below(file.path, part.root) || file.test || file.language != Language::kJavaScript)
      continue;
    if (auto port = port_of_file(repository, file)) return port;
  }
  return configured_port(repository, part);
}

}  // namespace ecluse::preflight
