#include "preflight/proposal/listening_port.h"

#include <algorithm>
#include <charconv>

namespace ecluse::preflight {

namespace {

/// "3000", in the digits of a port.
bool is_port(std::string_view text) {
  constexpr int kPortMax = 65535;
  int value = 0;
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

/// The number that stands for `port`: itself, what its name was given in the same file, or what is
/// taken where a variable of another name than PORT is not set.
const Value* number_of(const CodeFile& file, const Value& port) {
  if (port.kind == ValueKind::kNumber) return &port;
  for (const auto& read : file.reads)
    if (read.fallback && read.fallback->kind == ValueKind::kNumber &&
        (read.place == port.place || port.text.find(read.name) != std::string::npos))
      return &*read.fallback;
  if (port.kind != ValueKind::kName) return nullptr;
  const auto* given = file.find_assignment(port.text);
  if (!given || given->value.kind == ValueKind::kName) return nullptr;
  return number_of(file, given->value);
}

/// `listen(3000)`: a port that no variable changes.
std::optional<Proven> port_of_file(const CodeFile& file) {
  for (const auto& call : file.calls) {
    const auto* port = call.value.at(0);
    if (!port || !ends_with_name(call.callee(), "listen")) continue;
    const auto* number = number_of(file, *port);
    if (number && is_port(number->text))
      return Proven{number->text, {file.path, call.value.place, call.value.text}};
  }
  return std::nullopt;
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
  if (!node || reads_port(repository, part)) return std::nullopt;
  for (const auto& file : repository.code) {
    if (!is_below(file.path, part.root) || file.test || file.language != Language::kJavaScript)
      continue;
    if (auto port = port_of_file(file)) return port;
  }
  return std::nullopt;
}

}  // namespace ecluse::preflight
