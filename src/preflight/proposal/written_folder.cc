#include "preflight/proposal/written_folder.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

constexpr int kNamesMax = 8;   ///< names that stand for names
constexpr int kReadsMax = 32;  ///< expressions read for one path: names may stand for many

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// The quoted texts and the names of an expression, in their order.
struct Pieces {
  std::vector<std::string> texts;
  std::vector<std::string> names;
};

Pieces pieces_of(std::string_view text) {
  Pieces pieces;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const auto end = std::min(text.find(c, i + 1), text.size());
      pieces.texts.emplace_back(text.substr(i + 1, end - i - 1));
      i = end + 1;
    } else if (is_word(c)) {
      const auto begin = i;
      while (i < text.size() && is_word(text[i])) ++i;
      pieces.names.emplace_back(text.substr(begin, i - begin));
    } else {
      ++i;
    }
  }
  return pieces;
}

bool is_of_the_language(std::string_view name) {
  for (const std::string_view each :
       {"os", "path", "join", "Path", "pathlib", "str", "abspath", "realpath", "resolve", "dirname",
        "parent", "PurePath", "absolute", "__file__", "getcwd", "cwd", "fspath"})
    if (name == each) return true;
  return false;
}

std::size_t count_of(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
    ++count;
  return count;
}

/// app.config[FOLDER] of `app.config["FOLDER"]`: what an Assignment's target is called.
std::string bare(std::string_view text) {
  std::string name(text);
  std::erase_if(name, [](char c) { return c == '"' || c == '\'' || c == ' '; });
  return name;
}

/// As in the source: a text's Value has lost its quotes.
std::string expression_of(const Value& value) {
  return value.kind == ValueKind::kString ? "'" + value.text + "'" : value.text;
}

class PathReader {
 public:
  PathReader(const CodeFile& file, const Scope& scope, const std::string& root)
      : file_(file), scope_(scope), root_(root) {}

  std::optional<std::string> read(std::string_view text, int depth = 0) {
    if (depth > kNamesMax || ++reads_ > kReadsMax) return std::nullopt;
    const bool literal = text.starts_with('\'') || text.starts_with('"');
    const auto* whole = literal ? nullptr : assignment_of(bare(text));
    if (whole) return value_of(*whole, depth);
    const auto pieces = pieces_of(text);
    auto path = base_of(text, pieces, depth);
    for (const auto& piece : pieces.texts) {
      if (!path || piece.starts_with('/') || piece.find_first_of("{}<>:*?") != std::string::npos)
        return std::nullopt;
      path = in_folder(*path, piece);
    }
    return path;
  }

 private:
  /// Where the texts count from: this file, what a name stands for, or where the app is started.
  std::optional<std::string> base_of(std::string_view text, const Pieces& pieces, int depth) {
    auto path = root_;
    if (std::ranges::find(pieces.names, "__file__") != pieces.names.end()) path = file_.path;
    for (const auto& name : pieces.names) {
      if (is_of_the_language(name)) continue;
      const auto* assigned = assignment_of(name);
      if (!assigned) return std::nullopt;
      auto known = value_of(*assigned, depth);
      if (!known) return std::nullopt;
      path = std::move(*known);
    }
    for (auto ups = count_of(text, "dirname(") + count_of(text, ".parent"); ups > 0; --ups)
      path = std::string(folder_of(path));
    return path;
  }

  std::optional<std::string> value_of(const Assignment& assigned, int depth) {
    return read(expression_of(assigned.value), depth + 1);
  }

  const Assignment* assignment_of(std::string_view name) const {
    for (const auto& each : file_.assignments) {
      const bool seen = each.scope.function.empty() || each.scope.function == scope_.function;
      if (seen && each.target == name) return &each;
    }
    return nullptr;
  }

  const CodeFile& file_;
  const Scope& scope_;
  const std::string& root_;
  int reads_ = 0;
};

/// A file that a logging handler opens when it is made, or a folder that is made.
struct Written {
  std::string path;
  bool folder = false;
  Evidence why;
};

class WrittenReader {
 public:
  WrittenReader(const CodeFile& file, const std::string& root) : file_(file), root_(root) {}

  std::vector<Written> read() {
    for (const auto& each : file_.assignments) of_map(each.value, each.scope);
    for (const auto& call : file_.calls)
      if (!call.scope.main_guard) of_call(call);
    for (const auto& read : file_.reads) of_variable(read);
    return std::move(found_);
  }

 private:
  /// `"handlers": {"file": {"class": "logging.FileHandler", "filename": BASE_DIR / "x.log"}}`
  void of_map(const Value& value, const Scope& scope) {
    const auto* kind = value.find("class");
    const auto* name = value.find("filename");
    if (kind && name && kind->text.ends_with("FileHandler")) add(*name, scope, false);
    for (const auto& item : value.items) of_map(item.value, scope);
  }

  void of_call(const Call& call) {
    const auto& value = call.value;
    const auto* named = value.find("filename");
    if (call.callee().ends_with("FileHandler")) {
      if (const auto* name = named ? named : value.at(0)) add(*name, call.scope, false);
    } else if (ends_with_name(call.callee(), "basicConfig") && named) {
      add(*named, call.scope, false);
    } else if (ends_with_name(call.callee(), "logger.add")) {
      if (const auto* name = value.at(0)) add(*name, call.scope, false);
    } else if (ends_with_name(call.callee(), "os.makedirs") ||
               ends_with_name(call.callee(), "os.mkdir")) {
      if (const auto* name = value.at(0)) add(*name, call.scope, true);
    } else if (call.callee().ends_with(".mkdir")) {
      Value object = value;
      object.kind = ValueKind::kOther;
      object.text = value.text.substr(0, value.text.rfind(".mkdir"));
      add(object, call.scope, true);
    }
  }

  /// `os.environ.get("LOG_FILE", "logs/site.log")`
  void of_variable(const EnvRead& read) {
    if (read.fallback && read.fallback->text.ends_with(".log"))
      add(*read.fallback, read.scope, false);
  }

  void add(const Value& name, const Scope& scope, bool folder) {
    auto path = path_of(file_, name, scope, root_);
    if (path) found_.push_back({std::move(*path), folder, {file_.path, name.place, name.text}});
  }

  const CodeFile& file_;
  const std::string& root_;
  std::vector<Written> found_;
};

/// Logs that JavaScript opens: `filename: "logs/shop.log"` of winston, `path: __dirname +
/// "/../logs/shop.log"` of bunyan, `createWriteStream(path.join(__dirname, "access.log"))`.
class NodeLogReader {
 public:
  NodeLogReader(const CodeFile& file, const std::string& root) : file_(file), root_(root) {}

  std::vector<Written> read() {
    for (const auto& call : file_.calls) {
      of_options(call.value);
      const auto* name = call.value.at(0);
      if (name && ends_with_name(call.callee(), "createWriteStream")) add(*name);
    }
    return std::move(found_);
  }

 private:
  void of_options(const Value& value) {
    for (const auto& item : value.items) {
      if (item.key == "filename" || item.key == "path") add(item.value);
      if (item.value.kind != ValueKind::kCall) of_options(item.value);  // that is read by itself
    }
  }

  void add(const Value& name) {
    const auto pieces = pieces_of(expression_of(name));
    if (name.interpolated || pieces.texts.empty() || !pieces.texts.back().ends_with(".log")) return;
    const bool beside = std::ranges::find(pieces.names, "__dirname") != pieces.names.end();
    auto path = beside ? std::string(folder_of(file_.path)) : root_;
    for (const auto& each : pieces.names)
      if (!is_of_the_language(each) && each != "__dirname" && each != "process") return;
    for (std::string_view piece : pieces.texts) {
      if (beside && piece.starts_with('/')) piece.remove_prefix(1);
      if (piece.starts_with('/')) return;
      path = join_path(path, piece);
    }
    if (path.find("..") == std::string::npos)
      found_.push_back({std::move(path), false, {file_.path, name.place, name.text}});
  }

  const CodeFile& file_;
  const std::string& root_;
  std::vector<Written> found_;
};

bool is_inside(const std::map<std::string, Proven>& volumes, const std::string& folder) {
  return std::ranges::any_of(volumes, [&](const auto& each) {
    return folder == each.second.value || is_below(folder, each.second.value);
  });
}

void add_volume(const Repository& repository, const Written& written, Proposal& out) {
  const auto folder = written.folder ? written.path : std::string(folder_of(written.path));
  if (folder.empty()) {
    if (!written.folder)
      out.gaps.push_back(
          {"the app logs to " + written.path + " beside its code, where instances may not write",
           "log to standard output: `ecluse logs` keeps it", written.why});
    return;
  }
  const auto place = "/app/" + folder;
  if (holds_files(repository, folder) || is_inside(out.volumes, place)) return;
  out.volumes.try_emplace(app_name(file_name(folder)), Proven{place, written.why});
}

constexpr std::string_view kRelative = "sqlite:///";

bool is_relative_sqlite(const Value& value) {
  const auto& text = value.text;
  return value.kind == ValueKind::kString && text.starts_with(kRelative) &&
         text.size() > kRelative.size() && text[kRelative.size()] != '/' &&
         text.find(":memory:") == std::string::npos;
}

/// Flask-SQLAlchemy 3 puts a file with a relative name into the app's instance folder.
void propose_instance_folder(const Repository& repository, const Part& part, const CodeFile& file,
                             Proposal& out) {
  if (!repository.find_dependency("flask-sqlalchemy") || out.services.contains("db")) return;
  const auto note = [&](const Value& value) {
    if (is_relative_sqlite(value))
      add_volume(repository,
                 {in_folder(part.root, "instance"), true, {file.path, value.place, value.text}},
                 out);
  };
  for (const auto& each : file.assignments) note(each.value);
  for (const auto& each : file.reads)
    if (each.fallback) note(*each.fallback);
}

}  // namespace

bool holds_files(const Repository& repository, const std::string& folder) {
  return std::ranges::any_of(repository.files, [&](const FileFact& file) {
    return is_below(file.path, folder) && !file_name(file.path).starts_with('.');
  });
}

std::optional<std::string> path_of(const CodeFile& file, const Value& expression,
                                   const Scope& scope, const std::string& root) {
  if (expression.interpolated) return std::nullopt;
  const auto read = PathReader(file, scope, root).read(expression_of(expression));
  if (!read || read->find("..") != std::string::npos) return std::nullopt;
  return join_path("", *read);
}

void propose_written_folders(const Repository& repository, Proposal& out) {
  for (const auto& part : out.parts)
    for (const auto& file : repository.code) {
      if (!is_below(file.path, part.root) || !is_production_code(file)) continue;
      const bool python = file.language == Language::kPython;
      for (const auto& written : python ? WrittenReader(file, part.folder).read()
                                        : NodeLogReader(file, part.folder).read())
        add_volume(repository, written, out);
      if (python) propose_instance_folder(repository, part, file, out);
    }
}

}  // namespace ecluse::preflight
