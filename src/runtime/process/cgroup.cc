#include "runtime/process/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <sstream>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::runtime {

namespace {
constexpr std::size_t kFileBytesMax = 4 << 20;
constexpr std::uint64_t kCpuPeriodUs = 100'000;
constexpr auto kEmptyWithin = std::chrono::seconds(10);

/// One write to an existing file, as the kernel's files want it.
Result<void> put(const std::string& path, std::string_view text) {
  const os::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return fail(from_errno(errno, "open " + path));
  if (auto written = os::write_all(fd.get(), text); !written) {
    return fail(in_context(fmt::format("{} <- {}", path, text), written.error()));
  }
  return {};
}

Result<std::uint64_t> number_in(const std::string& path) {
  ECLUSE_ASSIGN(const std::string text, os::read_file(path, kFileBytesMax));
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The value after `key` in a file of "key value" lines; 0 when it is not there.
Result<std::uint64_t> field_in(const std::string& path, std::string_view key) {
  ECLUSE_ASSIGN(const std::string text, os::read_file(path, kFileBytesMax));
  for (const std::string& line : split(text, '\n')) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
    std::uint64_t value = 0;
    std::from_chars(line.data() + key.size() + 1, line.data() + line.size(), value);
    return value;
  }
  return std::uint64_t{0};
}

std::vector<pid_t> pids_in(const std::string& folder) {
  std::vector<pid_t> pids;
  const auto text = os::read_file(folder + "/cgroup.procs", kFileBytesMax);
  if (!text) return pids;  // the group is gone, and so is all that was in it
  std::istringstream in(*text);
  for (pid_t pid = 0; in >> pid;) pids.push_back(pid);
  return pids;
}

void kill_all(const std::string& folder) {
  if (put(folder + "/cgroup.kill", "1")) return;
  const bool frozen = put(folder + "/freezer.state", "FROZEN").has_value();
  for (const pid_t pid : pids_in(folder)) ::kill(pid, SIGKILL);
  if (frozen) (void)put(folder + "/freezer.state", "THAWED");  // the caller kills again if need be
}

Result<void> kill_until_empty(const std::string& folder) {
  const auto give_up = std::chrono::steady_clock::now() + kEmptyWithin;
  while (!pids_in(folder).empty()) {
    if (std::chrono::steady_clock::now() > give_up) {
      return fail(ErrorKind::kTimeout, fmt::format("processes in {} do not die", folder),
                  "one of them hangs in the kernel, often on a dead network disk");
    }
    kill_all(folder);
    ::poll(nullptr, 0, 1);  // v1 has no event for "empty"
  }
  return {};
}

struct MountLine {
  std::string point;
  std::string type;
  std::vector<std::string> options;
};

std::vector<MountLine> parse_mounts(std::string_view text) {
  std::vector<MountLine> mounts;
  for (const std::string& line : split(text, '\n')) {
    std::istringstream in(line);
    std::string device, point, type, options;
    if (in >> device >> point >> type >> options)
      mounts.push_back({point, type, split(options, ',')});
  }
  return mounts;
}

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool offers_memory(const std::string& v2_mount) {
  const auto text = os::read_file(v2_mount + "/cgroup.controllers", kFileBytesMax);
  return text && has(split(trim(*text), ' '), "memory");
}
}  // namespace

Cgroups Cgroups::detect(const std::string& tag) {
  const auto mounts = os::read_file("/proc/self/mounts", kFileBytesMax);
  return from_mounts(mounts ? *mounts : std::string(), tag);
}

Cgroups Cgroups::from_mounts(std::string_view text, const std::string& tag) {
  Cgroups groups;
  groups.tag_ = tag;
  const auto mounts = parse_mounts(text);
  for (const auto& mount : mounts) {
    if (mount.type != "cgroup2" || !offers_memory(mount.point)) continue;
    groups.version_ = CgroupVersion::kV2;
    groups.v2_mount_ = groups.shim_mount_ = mount.point;
    groups.controllers_ = {{"unified", mount.point}};
    return groups;
  }
  for (const char* controller : {"freezer", "memory", "cpu", "cpuacct", "pids"}) {
    for (const auto& mount : mounts) {
      if (mount.type != "cgroup" || !has(mount.options, controller)) continue;
      groups.controllers_.emplace_back(controller, mount.point);
      groups.version_ = CgroupVersion::kV1;
      break;
    }
  }
  for (const auto& mount : mounts) {
    if (mount.type == "cgroup" && has(mount.options, "name=systemd"))
      groups.shim_mount_ = mount.point;
  }
  return groups;
}

std::string Cgroups::folder(const std::string& controller, const std::string& id) const {
  for (const auto& [name, mount] : controllers_) {
    if (name == controller || version_ == CgroupVersion::kV2) {
      return fmt::format("{}/ecluse/{}/{}", mount, tag_, id);
    }
  }
  return {};
}

std::vector<std::string> Cgroups::folders(const std::string& id) const {
  std::vector<std::string> all;
  for (const auto& [name, mount] : controllers_) {
    const std::string path = folder(name, id);
    // Controllers mounted together (cpu,cpuacct) are one hierarchy under two names.
    if (std::none_of(all.begin(), all.end(), [&](const std::string& known) {
          std::error_code unknown;
          return std::filesystem::equivalent(known, path, unknown);
        })) {
      all.push_back(path);
    }
  }
  return all;
}

Result<std::vector<std::string>> Cgroups::create(const std::string& id,
                                                 const model::LimitSpec& limits) {
  if (version_ == CgroupVersion::kV2) ECLUSE_TRY(enable_controllers());
  for (const auto& [name, mount] : controllers_) {
    std::error_code error;
    std::filesystem::create_directories(folder(name, id), error);
    if (error) return fail(from_errno(error.value(), "make cgroup " + folder(name, id)));
  }
  ECLUSE_TRY(set_limits(id, limits));
  return folders(id);
}

Result<void> Cgroups::enable_controllers() const {
  std::error_code error;
  std::filesystem::create_directories(fmt::format("{}/ecluse/{}", v2_mount_, tag_), error);
  if (error) return fail(from_errno(error.value(), "make cgroup ecluse"));
  for (const auto& level : {v2_mount_, v2_mount_ + "/ecluse", v2_mount_ + "/ecluse/" + tag_}) {
    ECLUSE_TRY(put(level + "/cgroup.subtree_control", "+memory +cpu +pids"));
  }
  return {};
}

Result<void> Cgroups::set_limits(const std::string& id, const model::LimitSpec& limits) const {
  const bool v2 = version_ == CgroupVersion::kV2;
  const std::string memory = limits.memory_bytes_max > 0 ? std::to_string(limits.memory_bytes_max)
                                                         : std::string(v2 ? "max" : "-1");
  const auto quota = static_cast<std::uint64_t>(limits.cpus * kCpuPeriodUs);
  const std::string pids = limits.pids_max > 0 ? std::to_string(limits.pids_max) : "max";
  if (v2) {
    const std::string at = folder("unified", id);
    ECLUSE_TRY(put(at + "/memory.max", memory));
    ECLUSE_TRY(put(at + "/cpu.max", fmt::format("{} {}", quota, kCpuPeriodUs)));
    (void)put(at + "/memory.swap.max",
              "0");  // absent without swap accounting; then swap counts not
    return put(at + "/pids.max", pids);
  }
  for (const auto& [name, mount] : controllers_) {
    const std::string at = folder(name, id);
    if (name == "memory") ECLUSE_TRY(put(at + "/memory.limit_in_bytes", memory));
    if (name == "cpu") ECLUSE_TRY(put(at + "/cpu.cfs_quota_us", std::to_string(quota)));
    if (name == "pids") ECLUSE_TRY(put(at + "/pids.max", pids));
  }
  return {};
}

Result<ports::Usage> Cgroups::usage(const std::string& id) const {
  ports::Usage usage;
  if (version_ == CgroupVersion::kNone) {
    return fail(ErrorKind::kUnavailable, "usage is not known: no cgroup hierarchy is mounted");
  }
  const bool v2 = version_ == CgroupVersion::kV2;
  const std::string memory = folder("memory", id);
  ECLUSE_ASSIGN(const std::uint64_t used,
                number_in(memory + (v2 ? "/memory.current" : "/memory.usage_in_bytes")));
  // Page cache that the kernel takes back at will is no use of memory.
  ECLUSE_ASSIGN(const std::uint64_t cache,
                field_in(memory + "/memory.stat", v2 ? "inactive_file" : "total_inactive_file"));
  usage.memory_bytes = used - std::min(used, cache);
  ECLUSE_ASSIGN(usage.memory_bytes_max,
                number_in(memory + (v2 ? "/memory.max" : "/memory.limit_in_bytes")));
  if (v2) {
    ECLUSE_ASSIGN(const std::uint64_t us, field_in(memory + "/cpu.stat", "usage_usec"));
    usage.cpu_s = static_cast<double>(us) / 1e6;
  } else {
    ECLUSE_ASSIGN(const std::uint64_t ns, number_in(folder("cpuacct", id) + "/cpuacct.usage"));
    usage.cpu_s = static_cast<double>(ns) / 1e9;
  }
  ECLUSE_ASSIGN(const std::uint64_t pids, number_in(folder("pids", id) + "/pids.current"));
  usage.pids = static_cast<std::uint32_t>(pids);
  return usage;
}

std::vector<pid_t> Cgroups::members(const std::string& id) const {
  return version_ == CgroupVersion::kNone ? std::vector<pid_t>{} : pids_in(folders(id).front());
}

Result<void> Cgroups::remove(const std::string& id) const {
  if (version_ == CgroupVersion::kNone) return {};
  const auto all = folders(id);
  for (const auto& at : all) ECLUSE_TRY(kill_until_empty(at));
  const auto give_up = std::chrono::steady_clock::now() + kEmptyWithin;
  for (const auto& at : all) {
    // A process counts for a moment after it was reaped, so the first attempt may be too early.
    while (::rmdir(at.c_str()) != 0 && errno != ENOENT) {
      if (std::chrono::steady_clock::now() > give_up) return fail(from_errno(errno, "rmdir " + at));
      ::poll(nullptr, 0, 1);
    }
  }
  return {};
}

void Cgroups::tidy() const {
  std::vector<std::string> mounts{shim_mount_};
  for (const auto& [name, mount] : controllers_) mounts.push_back(mount);
  for (const auto& mount : mounts) {
    for (const auto& path :
         {"/ecluse/" + tag_ + "/.shims", "/ecluse/" + tag_, std::string("/ecluse")}) {
      (void)::rmdir((mount + path).c_str());
    }
  }
}

Result<std::string> Cgroups::shim_folder() const {
  if (shim_mount_.empty()) return std::string();
  const std::string at = fmt::format("{}/ecluse/{}/.shims", shim_mount_, tag_);
  std::error_code error;
  std::filesystem::create_directories(at, error);
  if (error) return fail(from_errno(error.value(), "make cgroup " + at));
  return at;
}

}  // namespace ecluse::runtime
