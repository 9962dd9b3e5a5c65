// LOG-001..004: logs in files.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/rules/each_start.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

struct Handler {
  const CodeFile* file = nullptr;
  Place place;
  std::string kind;    ///< "FileHandler", "RotatingFileHandler", "TimedRotatingFileHandler"
  std::string target;  ///< the file; "" when it is computed
  const Value* options = nullptr;
  Scope scope;
};

std::string kind_of(std::string_view name) {
  for (const std::string_view kind :
       {"TimedRotatingFileHandler", "RotatingFileHandler", "WatchedFileHandler", "FileHandler"})
    if (ends_with_name(name, kind)) return std::string(kind);
  return {};
}

void add_from_map(const CodeFile& file, const Value& value, const Scope& scope,
                  std::vector<Handler>& out) {
  const auto* kind = value.find("class");
  if (kind && kind->kind == ValueKind::kString && !kind_of(kind->text).empty()) {
    const auto* target = value.find("filename");
    out.push_back(
        {&file, kind->place, kind_of(kind->text), target ? target->text : "", &value, scope});
  }
  for (const auto& item : value.items) add_from_map(file, item.value, scope, out);
}

std::vector<Handler> handlers(const Subject& subject) {
  std::vector<Handler> out;
  for (const auto& file : subject.repository.code) {
    if (file.test || file.language != Language::kPython) continue;
    for (const auto& call : file.calls) {
      const auto kind = kind_of(call.callee());
      const auto* first =
          call.value.find("filename") ? call.value.find("filename") : call.value.at(0);
      if (!kind.empty())
        out.push_back(
            {&file, call.value.place, kind, first ? first->text : "", &call.value, call.scope});
      const auto* file_name_of_log = call.value.find("filename");
      if (ends_with_name(call.callee(), "basicConfig") && file_name_of_log)
        out.push_back({&file, call.value.place, "FileHandler", file_name_of_log->text, &call.value,
                       call.scope});
      const bool loguru = call.callee() == "logger.add" && file.imports_module("loguru");
      const bool to_file =
          first &&
          (first->kind == ValueKind::kString || first->text.find("log") != std::string::npos) &&
          first->text.find("sys.") == std::string::npos;
      if (loguru && to_file)
        out.push_back({&file, call.value.place,
                       call.value.find("rotation") ? "TimedRotatingFileHandler" : "FileHandler",
                       first->text, &call.value, call.scope});
    }
    for (const auto& each : file.assignments)
      if (each.value.kind == ValueKind::kMap) add_from_map(file, each.value, each.scope, out);
  }
  return out;
}

bool is_made(const Subject& subject, std::string_view type) {
  return std::ranges::any_of(subject.repository.code, [&](const CodeFile& file) {
    return !file.test && std::ranges::any_of(file.calls, [&](const Call& call) {
      return ends_with_name(call.callee(), type);
    });
  });
}

bool defines(const CodeFile& file, std::string_view type, std::string_view function) {
  return std::ranges::any_of(file.definitions, [&](const Definition& each) {
    return each.name == function && each.scope.type == type;
  });
}

/// A method of a class that nobody makes, and that whoever inherits it replaces.
bool is_never_called(const Subject& subject, const Handler& handler) {
  const auto& type = handler.scope.type;
  if (type.empty() || is_made(subject, type)) return false;
  bool family = false;  // others of its kind, of which one may be made instead
  for (const auto& each : handler.file->definitions) {
    if (!each.type) continue;
    family |= each.name == type && !each.bases.empty();
    if (std::ranges::find(each.bases, type) == each.bases.end()) continue;
    family = true;
    if (is_made(subject, each.name) && !defines(*handler.file, each.name, handler.scope.function))
      return false;
  }
  return family;
}

/// "/var/log/shop.log"; no "-", which is what a container prints.
bool is_log_file(std::string_view name) {
  return !name.empty() && !name.starts_with('-') && !name.starts_with('$') &&
         !name.starts_with("/dev/");
}

/// `gunicorn --access-logfile FILE`
std::optional<std::string_view> logs_to_file(std::string_view line) {
  if (trim(line).starts_with('#')) return std::nullopt;
  const bool gunicorn = line.find("gunicorn") != std::string_view::npos;
  for (const std::string_view option : {"--access-logfile", "--error-logfile", "--log-file"}) {
    const auto where = line.find(option);
    if (where == std::string_view::npos || (option == "--log-file" && !gunicorn)) continue;
    const auto rest = line.substr(where + option.size());
    const auto from = rest.find_first_not_of(" =\"'");
    if (from != std::string_view::npos && from > 0 && is_log_file(rest.substr(from))) return option;
  }
  return std::nullopt;
}

bool is_gunicorn_config(const CodeFile& file) {
  return !file.test && file.language == Language::kPython &&
         (file_name(file.path).find("gunicorn") != std::string_view::npos ||
          (file.find_assignment("bind") && file.find_assignment("workers")));
}

/// `accesslog = "/var/log/shop.log"` of a gunicorn.conf.py.
void gunicorn_configs(const Subject& subject, Findings& found) {
  for (const auto& file : subject.repository.code) {
    if (!is_gunicorn_config(file)) continue;
    for (const auto* name : {"accesslog", "errorlog"}) {
      const auto* each = file.find_assignment(name);
      if (!each) continue;
      const auto& value = each->value;
      const bool written = value.kind == ValueKind::kString
                               ? is_log_file(value.text)
                               : value.text.find(".log") != std::string::npos;
      if (written) found.push_back(at(file.path, each->place, each->target + " = " + value.text));
    }
  }
}

bool mentions_logrotate(const Repository& repository) {
  return std::ranges::any_of(repository.texts, [](const auto& each) {
    return each.second.find("logrotate") != std::string::npos;
  });
}

/// gunicorn rotates nothing: logrotate would have to.
void gunicorn_logs(const Subject& subject, Findings& found) {
  if (mentions_logrotate(subject.repository)) return;
  gunicorn_configs(subject, found);
  auto started = at_each_start(subject, logs_to_file);
  found.insert(found.end(), started.begin(), started.end());
}

/// `new winston.transports.File({filename: ...})` without maxsize, `createWriteStream("a.log",
/// {flags: "a"})`.
bool writes_unrotated(const Call& call) {
  const auto* first = call.value.at(0);
  if (!first) return false;
  if (ends_with_name(call.callee(), "transports.File"))
    return first->kind == ValueKind::kMap && !first->find("maxsize");
  const auto* options = call.value.at(1);
  const auto* flags = options ? options->find("flags") : nullptr;
  return ends_with_name(call.callee(), "createWriteStream") && flags && flags->text == "a" &&
         first->text.find(".log") != std::string::npos;
}

void node_logs(const Subject& subject, Findings& found) {
  for (const auto& file : subject.repository.code) {
    if (!is_production_code(file) || file.language != Language::kJavaScript) continue;
    for (const auto& call : file.calls)
      if (writes_unrotated(call))
        found.push_back(at(file.path, call.value.place, readable(call.value.text, 80)));
  }
}

/// `logto = FILE` of an uwsgi.ini that names no size for it.
void uwsgi_logs(const Subject& subject, Findings& found) {
  for (const auto& [path, text] : subject.repository.texts) {
    if (file_name(path) != "uwsgi.ini" || text.find("log-maxsize") != std::string::npos) continue;
    auto lines =
        lines_like(subject.repository, path, [](std::string_view line) -> std::optional<int> {
          const auto bare = trim(line);
          const auto name = trim(bare.substr(0, bare.find('=')));
          const bool logs = name == "logto" || name == "logto2" || name == "daemonize";
          return logs ? std::optional(1) : std::nullopt;
        });
    found.insert(found.end(), lines.begin(), lines.end());
  }
}

/// The file itself, or a folder around it.
bool brings(std::string_view source, std::string_view path) {
  return path == source || path.starts_with(std::string(source) + "/");
}

/// Mounted into a container or copied into an image, where no logrotate of a distribution looks
/// after /var/log/nginx.
bool runs_in_container(const Repository& repository, std::string_view path) {
  for (const auto& compose : repository.composes)
    for (const auto& service : compose.services)
      for (const auto& mount : service.volumes)
        if (mount.is_path() && brings(join_path(folder_of(compose.path), mount.source), path))
          return true;
  for (const auto& file : repository.dockerfiles)
    for (const auto& stage : file.stages)
      for (const auto& each : stage.instructions)
        if ((each.name == "COPY" || each.name == "ADD") &&
            brings(join_path(build_context(repository, file),
                             each.text.substr(0, each.text.find(' '))),
                   path))
          return true;
  return false;
}

/// `access_log /var/log/nginx/shop.log;` the image sends only access.log and error.log to its
/// output.
bool writes_own_log(const Directive& each) {
  if (each.name != "access_log" && each.name != "error_log") return false;
  if (each.arguments.empty()) return false;
  const std::string_view target = each.arguments[0];
  return is_log_file(target) && target.starts_with('/') && target != "/var/log/nginx/access.log" &&
         target != "/var/log/nginx/error.log";
}

void nginx_logs(const Subject& subject, Findings& found) {
  if (mentions_logrotate(subject.repository)) return;
  for (const auto& file : subject.repository.nginxes) {
    if (!runs_in_container(subject.repository, file.path)) continue;
    std::vector<std::string_view> around;
    for_each_directive(file.directives, around, [&](const Directive& each, const auto&) {
      if (writes_own_log(each))
        found.push_back(at(file.path, each.place, each.name + " " + each.arguments[0]));
    });
  }
}

Findings without_rotation(const Subject& subject) {
  Findings found;
  gunicorn_logs(subject, found);
  nginx_logs(subject, found);
  node_logs(subject, found);
  uwsgi_logs(subject, found);
  for (const auto& each : handlers(subject))
    if (each.kind == "FileHandler" && !is_never_called(subject, each))
      found.push_back(at(each.file->path, each.place, "FileHandler " + each.target));
  return found;
}

/// gunicorn or uvicorn with several workers, or several instances: of the code in `folder`.
struct Several {
  std::string why;  ///< empty: there is one process
  std::string folder;
};
Several several_processes(const Subject& subject) {
  const auto instances = instances_of(subject);
  if (instances.count > 1) return {instances.said_by, {}};
  for (const auto& [path, text] : subject.repository.texts) {
    if (path.ends_with(".md")) continue;
    for (const std::string_view word : {"--workers", "-w ", "workers ="}) {
      const auto where = text.find(word);
      if (where == std::string::npos || !any_of_words(text, {"gunicorn", "uvicorn"})) continue;
      const auto digit = text.find_first_not_of(" =\",", where + word.size());
      if (digit != std::string::npos && text[digit] >= '2' && text[digit] <= '9')
        return {path + " starts several workers", std::string(folder_of(path))};
    }
  }
  return {};
}

bool holds_code(const Subject& subject, const std::string& folder) {
  return std::ranges::any_of(subject.repository.code, [&](const CodeFile& file) {
    return file.path.starts_with(folder + "/");
  });
}

Findings shared_rotation(const Subject& subject) {
  const auto several = several_processes(subject);
  if (several.why.empty()) return {};
  // A Dockerfile in a folder of its own, beside other parts' folders, is about its own code.
  const bool a_part = subject.repository.find_dockerfile(several.folder + "/Dockerfile") != nullptr;
  Findings found;
  for (const auto& each : handlers(subject)) {
    if (each.kind == "FileHandler" || each.kind == "WatchedFileHandler") continue;
    if (a_part && holds_code(subject, several.folder) &&
        !each.file->path.starts_with(several.folder + "/"))
      continue;
    auto made = at(each.file->path, each.place, each.kind + " " + each.target);
    made.because = several.why;
    found.push_back(std::move(made));
  }
  return found;
}

Findings no_retention(const Subject& subject) {
  Findings found;
  for (const auto& each : handlers(subject)) {
    if (each.kind != "TimedRotatingFileHandler" && each.kind != "RotatingFileHandler") continue;
    const auto* count = each.options->find("backupCount");
    const bool loguru = each.options->callee == "logger.add";
    const bool kept = loguru ? each.options->find("retention") != nullptr
                             : count != nullptr || (each.kind == "RotatingFileHandler" &&
                                                    each.options->at(3) != nullptr);
    if (!kept)
      found.push_back(at(each.file->path, each.place,
                         each.kind + (loguru ? " without retention" : " without backupCount")));
  }
  return found;
}

bool makes_folders(const CodeFile& file) {
  return std::ranges::any_of(file.calls, [](const Call& call) {
    return ends_with_name(call.callee(), "makedirs") || ends_with_name(call.callee(), "mkdir");
  });
}

bool made_elsewhere(const Subject& subject, std::string_view folder) {
  if (subject.repository.has_folder(folder)) return true;
  return std::ranges::any_of(subject.repository.texts, [&](const auto& each) {
    return each.second.find("mkdir") != std::string::npos &&
           contains_word(each.second, file_name(folder));
  });
}

Findings missing_folder(const Subject& subject) {
  Findings found;
  for (const auto& each : handlers(subject)) {
    if (each.options->callee == "logger.add") continue;  // loguru makes it
    const auto slash = each.target.find('/');
    const bool plain = slash != std::string::npos && slash > 0 &&
                       each.target.find_first_of("(){}$") == std::string::npos;
    if (!plain || makes_folders(*each.file)) continue;
    const auto folder = std::string(folder_of(each.target));
    if (folder.starts_with("..") || made_elsewhere(subject, folder)) continue;
    found.push_back(at(each.file->path, each.place, "nothing makes the folder " + folder));
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"LOG-001", Severity::kWarn, "A log file without rotation",
         "It grows until the disk is full, and in a container it is gone with the container.",
         "Log to stdout: ecluse rotates and keeps it. Else a RotatingFileHandler.",
         without_rotation},
    Rule{"LOG-002", Severity::kMajor, "Several processes rotate one log file",
         "Each renames the file under the others: lines are lost at every rotation.",
         "Log to stdout.", shared_rotation},
    Rule{
        "LOG-003", Severity::kWarn, "Rotated logs are kept for ever",
        "Rotation alone frees nothing: the default keeps every old file (timed) or none (by size).",
        "Give backupCount, or retention.", no_retention},
    Rule{"LOG-004", Severity::kMajor, "The log's folder is missing at the start",
         "Git keeps no empty folders: the handler raises FileNotFoundError and the app does not "
         "start.",
         "Make it (`os.makedirs(folder, exist_ok=True)`), or log to stdout.", missing_folder},
};

}  // namespace

std::span<const Rule> log_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
