#include "runtime/process/shell_exec.h"

#include <fmt/format.h>

#include <string_view>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::runtime {

namespace {
constexpr std::string_view kExec = "exec ";
constexpr std::size_t kCommandBytesMax = 4 << 20;
}  // namespace

std::optional<std::string> program_behind_shell(const std::vector<std::string>& argv) {
  if (argv.size() < 3 || !argv[0].ends_with("sh") || argv[1] != "-c") return std::nullopt;
  const std::string_view command = trim(argv[2]);
  if (!command.starts_with(kExec)) return std::nullopt;
  const std::string_view rest = trim(command.substr(kExec.size()));
  return std::string(rest.substr(0, rest.find_first_of(" \t\n")));
}

bool has_left_shell(int pid, const std::vector<std::string>& argv) {
  const auto text = os::read_file(fmt::format("/proc/{}/cmdline", pid), kCommandBytesMax);
  if (!text || text->empty()) return false;  // it has ended, or is about to
  std::string expected;
  for (const auto& word : argv) expected += word + '\0';
  return *text != expected;
}

}  // namespace ecluse::runtime
