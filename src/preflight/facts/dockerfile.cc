#include "preflight/facts/dockerfile.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

constexpr std::size_t kInstructionBytesMax = 32 * 1024;

std::optional<std::vector<std::string>> exec_form(std::string_view text) {
  if (!trim(text).starts_with('[')) return std::nullopt;
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  if (!parsed.is_array()) return std::nullopt;
  std::vector<std::string> words;
  for (const auto& each : parsed) {
    if (!each.is_string()) return std::nullopt;
    words.push_back(each.get<std::string>());
  }
  return words;
}

/// Takes one logical line after another.
class Lines {
 public:
  explicit Lines(std::string_view source) : lines_(lines_of(source)) {}

  bool done() const { return next_ >= lines_.size(); }
  int number() const { return static_cast<int>(next_) + 1; }

  /// Joins continuations; comment lines between them do not end it.
  std::string take() {
    std::string text;
    while (!done()) {
      auto line = lines_[next_++];
      const auto bare = trim(line);
      if (bare.starts_with('#')) {
        if (text.empty()) return {};
        continue;
      }
      const bool goes_on = bare.ends_with('\\') || bare.ends_with('`');
      text += goes_on ? bare.substr(0, bare.size() - 1) : trim(line);
      if (!goes_on || text.size() > kInstructionBytesMax) break;
      text += ' ';
    }
    return text;
  }

  std::string heredoc(std::string_view end) {
    std::string body;
    while (!done() && trim(lines_[next_]) != end) {
      if (body.size() < kInstructionBytesMax) body += std::string(lines_[next_]) + "\n";
      ++next_;
    }
    if (!done()) ++next_;
    return body;
  }

 private:
  std::vector<std::string_view> lines_;
  std::size_t next_ = 0;
};

std::string heredoc_word(std::string_view text) {
  const auto at = text.find("<<");
  if (at == std::string_view::npos) return {};
  auto rest = text.substr(at + 2);
  if (rest.starts_with('-')) rest.remove_prefix(1);
  std::string word(rest.substr(0, rest.find_first_of(" \t;|>")));
  std::erase_if(word, [](char c) { return c == '"' || c == '\''; });
  const bool good = !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
    return std::isalnum(c) || c == '_';
  });
  return good ? word : std::string{};
}

void take_flags(std::string_view& text, Instruction& made) {
  while (text.starts_with("--")) {
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    made.flags.emplace_back(text.substr(0, end));
    text = trim(text.substr(end));
  }
}

std::optional<Instruction> take_instruction(Lines& lines) {
  Instruction made;
  made.place = {lines.number(), 1};
  const auto whole = lines.take();
  const auto text = trim(whole);
  if (text.empty()) return std::nullopt;
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  made.name = to_upper(text.substr(0, end));
  auto rest = trim(text.substr(end));
  take_flags(rest, made);
  made.text = std::string(rest);
  made.json = exec_form(rest);
  if (made.name == "RUN" || made.name == "COPY") {
    if (const auto word = heredoc_word(rest); !word.empty()) made.heredoc = lines.heredoc(word);
  }
  return made;
}

/// "${NAME:-x}", "$NAME" by the defaults of ARGs; what is unknown stays.
std::string expanded(std::string_view text, const std::map<std::string, std::string>& known) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      out += text[i++];
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    std::size_t end = i + (braces ? 2 : 1);
    const auto begin = end;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
      ++end;
    const std::string name(text.substr(begin, end - begin));
    const auto close = braces ? text.find('}', end) : std::string_view::npos;
    const auto found = known.find(name);
    if (braces && close == std::string_view::npos) return out + std::string(text.substr(i));
    const auto next = braces ? close + 1 : end;
    if (found != known.end()) {
      out += found->second;
    } else if (braces && text.substr(end, 2) == ":-") {
      out += text.substr(end + 2, close - end - 2);
    } else {
      out += text.substr(i, next - i);
    }
    i = next;
  }
  return out;
}

void begin_stage(Dockerfile& file, const Instruction& from,
                 const std::map<std::string, std::string>& arguments) {
  Stage stage;
  stage.place = from.place;
  const auto text = trim(from.text);
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  stage.image = expanded(text.substr(0, end), arguments);
  const auto rest = trim(text.substr(end));
  if (to_lower(rest.substr(0, 3)) == "as ") stage.name = to_lower(trim(rest.substr(3)));
  file.stages.push_back(std::move(stage));
}

// What trim() takes off, so that take_word() always gets on.
constexpr std::string_view kBlanks = " \t\r\n";

/// The next word or quoted text of `text`, taken off its front.
std::string take_word(std::string_view& text) {
  std::string word;
  char quote = 0;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && kBlanks.find(c) != std::string_view::npos) break;
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      word += c;
    }
  }
  text = trim(text.substr(i));
  return word;
}

}  // namespace

std::string Instruction::flag(std::string_view wanted) const {
  const auto prefix = "--" + std::string(wanted) + "=";
  for (const auto& each : flags) {
    if (each.starts_with(prefix)) return each.substr(prefix.size());
  }
  return {};
}

std::vector<std::string> Instruction::argv() const {
  if (json) return *json;
  if (text.empty()) return {};
  return {"sh", "-c", text};
}

const Instruction* Stage::last(std::string_view wanted) const {
  const auto found = std::find_if(instructions.rbegin(), instructions.rend(),
                                  [&](const Instruction& each) { return each.name == wanted; });
  return found == instructions.rend() ? nullptr : &*found;
}

const Stage* Dockerfile::find_stage(std::string_view wanted) const {
  const auto lower = to_lower(wanted);
  const auto found = std::ranges::find(stages, lower, &Stage::name);
  return lower.empty() || found == stages.end() ? nullptr : &*found;
}

std::vector<const Instruction*> Dockerfile::inherited(const Stage& stage) const {
  std::vector<const Instruction*> all;
  const auto* base = find_stage(stage.image);
  if (base && base < &stage) all = inherited(*base);  // only earlier ones, so it ends
  for (const auto& each : stage.instructions) all.push_back(&each);
  return all;
}

Dockerfile read_dockerfile(std::string_view path, std::string_view source) {
  Dockerfile file;
  file.path = std::string(path);
  std::map<std::string, std::string> arguments;
  Lines lines(source);
  for (std::size_t count = 0; !lines.done() && count < kInstructionsMax; ++count) {
    const auto made = take_instruction(lines);
    if (!made) continue;
    if (made->name == "FROM") {
      begin_stage(file, *made, arguments);
    } else if (file.stages.empty()) {
      for (const auto& [name, value] : assignments_of(*made)) arguments[name] = value;
      file.before.push_back(*made);
    } else {
      file.stages.back().instructions.push_back(*made);
    }
  }
  return file;
}

bool is_dockerfile_name(std::string_view name) {
  const auto lower = to_lower(name);
  const bool dashed = (lower.starts_with("dockerfile-") || lower.starts_with("dockerfile_")) &&
                      lower.find('.') == std::string::npos;  // "Dockerfile-prod", no script of it
  return dashed || lower == "dockerfile" || lower == "containerfile" ||
         lower.ends_with(".dockerfile") ||
         (lower.starts_with("dockerfile.") && !lower.ends_with(".dockerignore") &&
          !lower.ends_with(".md") && !lower.ends_with(".txt"));
}

std::vector<std::pair<std::string, std::string>> assignments_of(const Instruction& instruction) {
  std::vector<std::pair<std::string, std::string>> found;
  std::string_view text = trim(instruction.text);
  const auto blank = text.find_first_of(" \t");
  const auto equals = text.find('=');
  if (blank < equals && instruction.name != "ARG")  // the old form: one key, the rest is its value
    return {{std::string(text.substr(0, blank)), std::string(trim(text.substr(blank)))}};
  while (!text.empty()) {
    const auto word = take_word(text);
    const auto at = word.find('=');
    if (at != std::string::npos)
      found.emplace_back(word.substr(0, at), word.substr(at + 1));
    else if (instruction.name == "ARG" && !word.empty())
      found.emplace_back(word, "");
  }
  return found;
}

}  // namespace ecluse::preflight
