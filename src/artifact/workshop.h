#pragma once
// What a recipe works with: the checked-out tree, the sandbox to run commands in, the caches, and
// the log. One per build or check; used from one thread.

#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "artifact/layers.h"
#include "artifact/sandbox.h"
#include "base/result.h"
#include "ports/runtime.h"

namespace ecluse::artifact {

class Workshop {
 public:
  struct Place {
    std::filesystem::path tree;   ///< the checkout; the commands see it at /app
    std::filesystem::path tmp;    ///< their /tmp
    std::filesystem::path cache;  ///< of the app: layers and downloads
    std::filesystem::path tools;  ///< of all apps: uv, poetry
    std::filesystem::path data;   ///< hidden from them
    std::uint32_t uid = 0;
    WallTime time;  ///< of the commit; files get it
    SandboxBounds bounds;
    std::chrono::milliseconds timeout = std::chrono::minutes(30);
  };
  Workshop(Place place, ports::LineSink sink);

  /// Gives the tree to the build's user and brings the machine's registry settings to its home.
  Result<void> open();

  /// A line of our own in the log.
  void say(std::string_view line);

  enum class ToolsAccess { kRead, kWrite };
  struct Step {
    std::string what;  ///< "installing requirements.txt", for errors
    std::vector<std::string> argv;
    std::string root;                        ///< folder of the tree to work in; empty: its top
    std::map<std::string, std::string> env;  ///< added
    std::chrono::milliseconds timeout{};     ///< 0: that of the place
    ToolsAccess tools = ToolsAccess::kRead;  ///< kWrite: nothing of the repository may run in it
  };
  /// Runs to the end, exit code to the caller.
  Result<int> attempt(const Step& step);
  /// As attempt(), but a non-zero exit is an error that quotes the last lines and explains them.
  Result<void> run(const Step& step);
  /// A line of ecluse.yml: through /bin/sh, as its author expects.
  Result<void> run_line(const std::string& line, const std::string& root);

  const std::deque<std::string>& last_lines() const { return last_lines_; }
  const Place& place() const { return place_; }
  const Layers& layers() const { return layers_; }
  std::map<std::string, std::string>& env() { return env_; }

  std::filesystem::path folder(const std::string& root) const;  ///< on the host
  std::string inside(const std::string& path) const;  ///< "x" of the tree as the commands see it
  std::string inside_tmp(const std::string& path) const;

 private:
  Result<void> copy_settings();
  Sandbox sandbox(ToolsAccess tools = ToolsAccess::kRead) const;

  Place place_;
  ports::LineSink sink_;
  Layers layers_;
  std::map<std::string, std::string> env_;
  std::deque<std::string> last_lines_;
  std::string telling_;  ///< the first line of the last step whose meaning is known
};

}  // namespace ecluse::artifact
