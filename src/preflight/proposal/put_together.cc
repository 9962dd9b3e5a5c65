#include "preflight/proposal/put_together.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "preflight/proposal/api_route.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/shell_line.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// Shows pages that a browser or a Node of its own renders, and asks another part for its data.
bool is_front(const Part& part) {
  switch (part.framework) {
    case Framework::kNext:
    case Framework::kStatic:
    case Framework::kStreamlit:
    case Framework::kDash:
      return true;
    case Framework::kDjango:
    case Framework::kFlask:
    case Framework::kFastapi:
    case Framework::kExpress:
    case Framework::kNode:
    case Framework::kProgram:
      return false;
  }
  return false;
}

/// "frontend", "client": a folder called so is the other half of the app, not a tool or a demo.
bool is_front_folder(std::string_view folder) {
  const auto name = to_lower(file_name(folder));
  return any_of_words(name, {"front", "client", "web", "ui", "www"});
}

/// Does the top's own build make the pages of `folder`?
bool builds(const Part& top, const std::string& folder) {
  return std::ranges::any_of(top.build.run, [&](const Proven& each) {
    return each.why.seen.find(folder) != std::string::npos;
  });
}

/// Where the code of the top says that it serves what is built in `folder`:
/// `express.static("client/build")`, `path.join(__dirname, "client", "build", "index.html")`.
std::optional<Evidence> serves(const Repository& repository, const std::string& folder) {
  for (const auto& file : repository.code) {
    if (!is_production_code(file) || is_below(file.path, folder)) continue;
    for (const auto& call : file.calls) {
      const auto& text = call.value.text;
      const auto named = text.find(folder);
      const bool built =
          named != std::string::npos && (text.find("build", named) != std::string::npos ||
                                         text.find("dist", named) != std::string::npos);
      if (built) return Evidence{file.path, call.value.place, text};
    }
  }
  return std::nullopt;
}

class Together {
 public:
  Together(const Repository& repository, std::vector<Part>& parts, std::vector<Gap>& gaps)
      : repository_(repository), parts_(parts), gaps_(gaps) {}

  void put() {
    const auto top = std::ranges::find(parts_, "", &Part::root);
    if (top != parts_.end()) keep_the_top(*top);
    name_them();
    if (parts_.size() > 1)
      for (auto& part : parts_) route(part);
  }

 private:
  /// What lies at the top is the project; below it are its pages, else its tools and demos.
  void keep_the_top(Part& top) {
    std::vector<std::string> left;
    for (auto& part : parts_)
      if (!part.root.empty() && !belongs(part, top)) left.push_back(part.root);
    std::erase_if(
        parts_, [&](const Part& part) { return std::ranges::find(left, part.root) != left.end(); });
  }

  bool belongs(const Part& part, Part& top) {
    if (builds(top, part.root)) {
      take_options(part, top);
      return false;
    }
    const bool page = is_front(part) && is_front_folder(part.root) && !is_front(top);
    if (!page) {
      gaps_.push_back({part.root + "/ holds " + std::string(to_string(part.framework)) +
                           ", too; it is not started",
                       "add it under `processes:` if it is part of the app", part.command.why});
      return false;
    }
    const auto served =
        part.framework == Framework::kStatic ? serves(repository_, part.root) : std::nullopt;
    if (!served) return true;
    build_for(part, top, *served);
    return false;
  }

  /// `NODE_OPTIONS=... npm run build`: what the pages' tools need, the script that calls them
  /// needs.
  static void take_options(const Part& part, Part& top) {
    constexpr std::string_view kScript = "npm run ";
    if (part.build.run.empty()) return;
    const auto options = part.build.run[0].value.substr(0, part.build.run[0].value.find(kScript));
    for (auto& each : top.build.run)
      if (each.value.starts_with(kScript)) each.value = options + each.value;
  }

  /// The top serves them, so it must have built them.
  static void build_for(const Part& part, Part& top, const Evidence& why) {
    if (top.build.kind != "node") return;
    top.build.run.push_back({"npm install --include=dev --prefix " + shell_word(part.root), why});
    for (const auto& each : part.build.run)
      top.build.run.push_back({each.value + " --prefix " + shell_word(part.root), why});
  }

  void name_them() {
    const bool mixed =
        std::ranges::any_of(parts_, is_front) && !std::ranges::all_of(parts_, is_front);
    std::set<std::string> names;
    for (auto& part : parts_) {
      const auto folder = to_lower(file_name(part.root));
      const bool back =
          mixed ? !is_front(part) : folder == "backend" || folder == "server" || folder == "api";
      part.name = parts_.size() == 1 ? "web" : back ? "api" : "web";
      if (!names.insert(part.name).second) {
        part.name = app_name(part.root);
        names.insert(part.name);
      }
    }
  }

  void route(Part& part) {
    const Evidence why{
        part.command.why.path, {}, "one of " + std::to_string(parts_.size()) + " parts"};
    if (part.name == "web") {
      part.routes = {{"/", why}};
      return;
    }
    part.routes = is_front(part) ? std::vector<Proven>{} : api_routes(repository_, part);
    // Of two projects that both answer /admin, the first does here.
    std::erase_if(part.routes,
                  [&](const Proven& each) { return !answered_.insert(each.value).second; });
    if (!part.routes.empty()) return;
    part.routes = {{"/" + part.name, why}};
    gaps_.push_back({"which paths " + part.root + "/ answers is not seen in its code; /" +
                         part.name + " is a guess",
                     "correct `routes:` of process " + part.name, part.command.why});
  }

  const Repository& repository_;
  std::vector<Part>& parts_;
  std::vector<Gap>& gaps_;
  std::set<std::string> answered_;
};

}  // namespace

void put_together(const Repository& repository, std::vector<Part>& parts, std::vector<Gap>& gaps) {
  Together(repository, parts, gaps).put();
}

}  // namespace ecluse::preflight
