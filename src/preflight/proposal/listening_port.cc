#include "preflight/proposal/listening_port.h"

#include <algorithm>
#include <charconv>
#include <ranges>

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

bool is_own_code(const CodeFile& file, const Part& part) {
  return is_below(file.path, part.root) && !file.test && file.language == Language::kJavaScript;
}

bool is_number(const EnvRead& read) {
  return read.fallback && is_port(read.fallback->text);
}

std::string_view last_name(std::string_view dotted) {
  return dotted.substr(dotted.rfind('.') + 1);
}

/// What settings say behind `port:`.
struct Said {
  std::vector<const Value*> near;  ///< in those of the group that is asked
  std::vector<const Value*> far;

  /// `group`: "server" of `config.server.port`; `asked`: `settings` are what it names.
  void take(const Value& settings, std::string_view group, std::string_view key, bool asked) {
    for (const auto& item : settings.items) {
      if (settings.kind == ValueKind::kMap && item.key == key)
        (asked ? near : far).push_back(&item.value);
      take(item.value, group, key, item.key == group);
    }
  }
};

/// Follows what a server is told to listen on to a number.
class PortReader {
 public:
  PortReader(const Repository& repository, const Part& part)
      : repository_(repository), part_(part) {}

  /// What a call of listen() is given.
  std::optional<ListeningPort> heard_by(const CodeFile& file, const Call& call) const {
    const auto* port = call.value.at(0);
    if (port && port->kind == ValueKind::kMap) port = port->find("port");  // `listen({port: 3000})`
    auto number = port ? number_of(file, *port, 0) : Number{};
    if (!is_port(number.text)) return std::nullopt;
    return ListeningPort{{number.text, {file.path, call.value.place, call.value.text}},
                         std::move(number.variable)};
  }

 private:
  static constexpr int kStepsMax = 4;
  static constexpr std::size_t kSettingsMax = 64;  ///< of one name, behind which none is believed

  struct Number {
    std::string text;
    std::string variable;  ///< that has to be given it
  };

  Number number_of(const CodeFile& file, const Value& port, int step) const {
    if (step >= kStepsMax) return {};
    const bool name = port.kind == ValueKind::kName;
    if (const auto* given = name ? file.find_assignment(port.text) : nullptr)
      return number_of(file, given->value, step + 1);
    if (auto number = said_at_once(file, port)) return *number;
    if (name) return in_settings(port);
    return port.kind == ValueKind::kCall ? of_call(file, port, step + 1) : Number{};
  }

  /// A number, a variable or a choice between numbers, in the expression itself.
  std::optional<Number> said_at_once(const CodeFile& file, const Value& port) const {
    if (port.kind == ValueKind::kNumber) return Number{port.text, {}};
    if (const auto* read = read_for(file, port)) return number_of(*read);
    if (port.kind == ValueKind::kOther) return Number{chosen_number(port.text), {}};
    return std::nullopt;
  }

  /// The variable that is asked for in the expression, or by that name of the app's settings:
  /// `config.SERVER_PORT`.
  const EnvRead* read_for(const CodeFile& file, const Value& port) const {
    const EnvRead* longest = nullptr;  // "PORT" is in "API_PORT"
    for (const auto& read : file.reads)
      if ((is_number(read) || is_alone(port, read)) &&
          port.text.find(read.name) != std::string::npos &&
          (!longest || longest->name.size() < read.name.size()))
        longest = &read;
    if (longest || port.kind != ValueKind::kName || !is_constant_name(last_name(port.text)))
      return longest;
    for (const auto& each : repository_.code)
      for (const auto& read : each.reads)
        if (read.name == last_name(port.text) && is_own_code(each, part_)) return &read;
    return nullptr;
  }

  /// `process.env.API_PORT!`; no choice that depends on a variable.
  static bool is_alone(const Value& port, const EnvRead& read) {
    return read.place == port.place && port.text.find_first_of("?=&") == std::string::npos;
  }

  /// What is taken where it is not set; else what an example has for it, or any.
  Number number_of(const EnvRead& read) const {
    if (read.name == "PORT") return {};
    if (read.fallback) return {is_number(read) ? read.fallback->text : "", {}};
    for (const auto& file : repository_.env_files)
      if (const auto* line = file.find(read.name); line && is_port(line->value))
        return {line->value, read.name};
    return {"8000", read.name};
  }

  /// `Number(port)`, `app.get("port")`
  Number of_call(const CodeFile& file, const Value& call, int step) const {
    const auto* first = call.at(0);
    if (!first) return {};
    if (call.callee == "Number" || call.callee == "parseInt") return number_of(file, *first, step);
    if (!ends_with_name(call.callee, "get") || first->kind != ValueKind::kString) return {};
    for (const auto& each : file.calls) {
      const auto* key = each.value.at(0);
      const auto* value = each.value.at(1);
      if (value && ends_with_name(each.callee(), "set") && key->is(ValueKind::kString, first->text))
        return number_of(file, *value, step);
    }
    return {};
  }

  /// `config.server.port`, where all settings called so say the same, at once.
  Number in_settings(const Value& name) const {
    const auto dot = name.text.rfind('.');
    if (dot == std::string::npos) return {};
    const auto group = last_name(std::string_view(name.text).substr(0, dot));
    std::optional<Number> one;
    std::size_t asked = 0;
    for (const auto& file : repository_.code) {
      if (!is_own_code(file, part_)) continue;
      Said said;
      for (const auto& each : file.assignments)
        said.take(each.value, group, last_name(name.text), is_of_group(each.target, group));
      for (const auto* value : said.near.empty() ? said.far : said.near) {
        auto number = said_at_once(file, *value).value_or(Number{});
        if (++asked > kSettingsMax || (one && number.text != one->text)) return {};
        one = std::move(number);
      }
    }
    return one.value_or(Number{});
  }

  /// What a module gives out is called as its users like.
  static bool is_of_group(std::string_view target, std::string_view group) {
    return last_name(target) == group || target == "module.exports" || target == "default";
  }

  const Repository& repository_;
  const Part& part_;
};

constexpr int kServersMax = 32;  ///< of one file that are asked what they listen on

std::optional<ListeningPort> port_of_file(const PortReader& reader, const CodeFile& file) {
  int asked = 0;
  for (const auto& call : file.calls) {
    if (!ends_with_name(call.callee(), "listen")) continue;
    if (auto port = reader.heard_by(file, call)) return port;
    if (++asked >= kServersMax) break;
  }
  return std::nullopt;
}

/// The program that the part's command starts; null where it is built first, or hands on.
const CodeFile* started_program(const Repository& repository, const Part& part) {
  for (const auto& word : split(part.command.value, ' '))
    if (const auto* file = repository.find_code(join_path(part.root, word))) return file;
  return nullptr;
}

bool reads_port(const CodeFile& file) {
  return std::ranges::find(file.reads, "PORT", &EnvRead::name) != file.reads.end();
}

/// What `npm start` would make npm_package_config_port.
std::optional<ListeningPort> configured_port(const Repository& repository, const Part& part) {
  const auto* package = repository.package_of(part.root);
  if (!package || !is_port(package->config_port)) return std::nullopt;
  return ListeningPort{
      {package->config_port, {package->path, {1, 1}, "config.port: " + package->config_port}}, {}};
}

std::optional<ListeningPort> port_of_node(const Repository& repository, const Part& part) {
  const PortReader reader(repository, part);
  // Another file may read PORT, and the program that is started listen on a number of its own.
  if (const auto* program = started_program(repository, part); program && !reads_port(*program))
    if (auto port = port_of_file(reader, *program); port && port->variable.empty()) return port;
  const auto own = [&](const CodeFile& file) { return is_own_code(file, part); };
  for (const auto& file : repository.code | std::views::filter(own))
    if (reads_port(file)) return std::nullopt;
  for (const auto& file : repository.code | std::views::filter(own))
    if (auto port = port_of_file(reader, file)) return port;
  return configured_port(repository, part);
}

}  // namespace

std::optional<ListeningPort> listening_port(const Repository& repository, const Part& part) {
  if (part.framework == Framework::kExpress || part.framework == Framework::kNode)
    return port_of_node(repository, part);
  if (part.framework != Framework::kProgram) return std::nullopt;
  auto port = exposed_port(repository, part);
  return port ? std::optional(ListeningPort{std::move(*port), {}}) : std::nullopt;
}

}  // namespace ecluse::preflight
