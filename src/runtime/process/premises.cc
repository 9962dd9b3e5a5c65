#include "runtime/process/premises.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/log.h"
#include "base/text.h"
#include "os/file.h"
#include "runtime/process/etc_files.h"
#include "runtime/process/fresh_file.h"
#include "runtime/process/label.h"
#include "runtime/process/namespace_thread.h"
#include "runtime/process/privileges.h"
#include "runtime/process/shim_image.h"

namespace ecluse::runtime {

namespace fs = std::filesystem;

namespace {
constexpr std::uint32_t kUidFirst = 1'983'000'000;  // unused by every convention we know of
constexpr std::uint32_t kUidBlock = 1000;
constexpr std::uint32_t kUidBlocks = 1000;
constexpr std::uint64_t kTmpBytesMin = 16 << 20;
constexpr std::uint64_t kTmpShare = 2;  ///< /tmp may take one part in so many of the memory limit
constexpr int kOldLogsKept = 100;
constexpr const char* kDefaultPath =
    "/app/.venv/bin:/app/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
    "/bin";

int number_of(ports::StopSignal signal) {
  switch (signal) {
    case ports::StopSignal::kTerm:
      return SIGTERM;
    case ports::StopSignal::kInt:
      return SIGINT;
    case ports::StopSignal::kQuit:
      return SIGQUIT;
  }
  return SIGTERM;
}

/// overlayfs separates folders by ':' and options by ','.
std::string escaped(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == ':' || c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string environment_key(const ports::Launch& launch) {
  return launch.app + "/" + launch.environment;
}

/// Each folder on the way below `base`, for all to pass whatever our umask is.
Result<void> make_passable(fs::path base, const fs::path& below) {
  for (const fs::path& part : below) {
    base /= part;
    ECLUSE_TRY(os::make_folder(base));
  }
  return {};
}

/// Only when it is still nobody's: data that exists keeps its owner.
Result<void> give_to(const fs::path& path, const Account& account) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail(from_errno(errno, "stat " + path.string()));
  if (info.st_uid != 0 || ::chown(path.c_str(), account.uid, account.uid) == 0) return {};
  return fail(from_errno(errno, "chown " + path.string()));
}

/// 0: the kernel chooses one.
Result<std::uint16_t> bindable_port(std::uint16_t wanted) {
  const os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(wanted);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), generic, size) != 0 || ::getsockname(fd.get(), generic, &size) != 0) {
    return fail(from_errno(errno, fmt::format("bind port {}", wanted)));
  }
  return ntohs(address.sin_port);
}

Result<std::uint16_t> plain_port(const ports::Launch& launch) {
  if (!launch.port) return std::uint16_t{0};
  if (launch.env.contains("PORT")) return bindable_port(0);
  if (auto port = bindable_port(*launch.port)) return port;
  return fail(
      ErrorKind::kConflict,
      fmt::format("port {} is in use on this host, and without the privilege to make network "
                  "namespaces a program with a fixed port can run only once",
                  *launch.port),
      "run ecluse as root, or let the app listen on $PORT (leave out `port:`)");
}

/// Without a mount namespace /app is where the artifact lies.
std::string plain_path(const std::string& path, const std::string& artifact) {
  auto folders = split(path, ':');
  for (std::string& folder : folders) {
    if (folder.starts_with("/app/")) folder = artifact + folder.substr(4);
  }
  return join(folders, ":");
}

std::vector<std::string> entries_added(const StoredLaunch& stored, bool isolated) {
  const auto& env = stored.launch.env;
  std::vector<std::string> added;
  if (!env.contains("HOME")) added.emplace_back("HOME=/tmp");
  const std::string path = env.contains("PATH") ? env.at("PATH") : kDefaultPath;
  if (!env.contains("PATH")) added.push_back("PATH=" + path);
  if (!isolated) added.push_back("PATH=" + plain_path(path, stored.launch.artifact_path));
  if (!isolated && env.contains("PORT")) added.push_back(fmt::format("PORT={}", stored.port));
  return added;
}

std::string plain_workdir(const ports::Launch& launch) {
  if (!launch.workdir.starts_with("/app")) return launch.workdir;
  if (launch.artifact_path.empty()) return "/";
  return launch.artifact_path + launch.workdir.substr(4);
}

void keep_newest(const fs::path& folder, int kept) {
  std::vector<std::pair<fs::file_time_type, fs::path>> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    all.emplace_back(entry.last_write_time(error), entry.path());
  }
  std::sort(all.rbegin(), all.rend());
  for (std::size_t i = static_cast<std::size_t>(kept); i < all.size(); ++i) {
    fs::remove_all(all[i].second, error);  // best effort: the next one tries again
  }
}
}  // namespace

Result<std::unique_ptr<Premises>> Premises::open(fs::path data, fs::path run,
                                                 const ProcessOptions& options) {
  ECLUSE_TRY(os::make_folder(data, 0700));
  ECLUSE_TRY(os::make_folder(run, 0700));
  ECLUSE_TRY(os::make_folder(data / "instances", 0700));
  ECLUSE_TRY(os::make_folder(run / "instances", 0700));
  ECLUSE_TRY(os::make_folder(data / "logs/instances", 0700));
  ECLUSE_ASSIGN(const Ipv4Network network, Ipv4Network::parse(options.network));
  std::unique_ptr<Premises> premises(
      new Premises(fs::canonical(data), fs::canonical(run), options, network));
  ECLUSE_ASSIGN(premises->image_, open_shim_image(premises->run_));
  return premises;
}

Premises::Premises(fs::path data, fs::path run, const ProcessOptions& options, Ipv4Network network)
    : data_(std::move(data)),
      run_(std::move(run)),
      options_(options),
      tag_(short_label(data_.string(), 8)),
      isolated_(options.isolation == Isolation::kWherePossible && can_isolate()),
      cgroups_(isolated_ ? Cgroups::detect(tag_) : Cgroups{}),
      accounts_(data_ / "accounts.json",
                kUidFirst + kUidBlock * static_cast<std::uint32_t>(label_hash(tag_) % kUidBlocks)),
      network_(data_ / "network.json", network, tag_) {}

Result<void> Premises::take(StoredLaunch& stored) {
  ECLUSE_TRY(choose_place(stored));
  const fs::path at = folder(stored.launch.id);
  ECLUSE_TRY(os::make_folder(at, 0700));
  ECLUSE_TRY(os::make_folder(at / "logs", 0700));
  return write_launch(at, stored);
}

Result<void> Premises::choose_place(StoredLaunch& stored) {
  const ports::Launch& launch = stored.launch;
  if (isolated_) {
    stored.port = launch.port.value_or(0);
    ECLUSE_ASSIGN(stored.address, network_.address_of(launch.id, environment_key(launch)));
    return {};
  }
  stored.address = "127.0.0.1";
  ECLUSE_ASSIGN(stored.port, plain_port(launch));
  return {};
}

Result<void> Premises::start(const StoredLaunch& stored, const std::optional<OrphanedApp>& orphan) {
  const ports::Launch& launch = stored.launch;
  const fs::path at = folder(launch.id);
  ECLUSE_TRY(os::make_folder(run_folder(launch.id) / "root", 0700));
  ECLUSE_ASSIGN(const shim::Conf conf, conf_for(stored));
  ECLUSE_TRY(write_again(at / "shim.conf", shim::write_conf(conf), 0600));
  ShimCall call{image_.get(), at.string(), run_folder(launch.id).string(), -1, orphan};
  os::Fd netns;
  if (isolated_ && orphan && orphan->pid != 0) {
    ECLUSE_ASSIGN(netns, network_namespace_of(orphan->pid));
  } else if (isolated_) {
    ECLUSE_ASSIGN(Attachment attachment, network_.attach(launch.id, environment_key(launch)));
    netns = std::move(attachment.netns);
  }
  call.netns_fd = netns.get();
  return start_shim(call);
}

Result<Account> Premises::account_of(const ports::Launch& launch) {
  return accounts_.of(launch.user.empty() ? environment_key(launch) : "user/" + launch.user);
}

Result<shim::Conf> Premises::conf_for(const StoredLaunch& stored) {
  const ports::Launch& launch = stored.launch;
  shim::Conf conf;
  conf.id = launch.id;
  conf.argv = launch.argv;
  conf.env = entries_added(stored, isolated_);
  conf.workdir = isolated_ ? launch.workdir : plain_workdir(launch);
  conf.stop_signal = number_of(launch.stop_signal);
  conf.stop_main_only = launch.stop_scope == ports::StopScope::kMain;
  conf.stop_grace_ms = launch.stop_grace.count();
  conf.restart = launch.restart;
  conf.timeout_ms = stored.timeout.count();
  conf.backoff_first_ms = options_.backoff_first.count();
  conf.backoff_ms_max = options_.backoff_max.count();
  conf.stable_ms = options_.stable_after.count();
  conf.crash_exits = options_.crash_exits;
  conf.crash_window_ms = options_.crash_window.count();
  conf.log_bytes_max = options_.log_bytes_max;
  conf.log_files_max = options_.log_files_max;
  if (!isolated_) return conf;
  conf.oom_score_adj = launch.oom_score_adj;
  ECLUSE_ASSIGN(const Account account, account_of(launch));
  conf.uid = account.uid;
  ECLUSE_ASSIGN(conf.surroundings, surroundings_for(launch, account));
  ECLUSE_ASSIGN(conf.cgroups, cgroups_.create(launch.id, launch.limits));
  ECLUSE_ASSIGN(conf.shim_cgroup, cgroups_.shim_folder());
  return conf;
}

Result<shim::Surroundings> Premises::surroundings_for(const ports::Launch& launch,
                                                      const Account& account) {
  const fs::path at = folder(launch.id);
  ECLUSE_TRY(write_etc(at / "etc", account));
  ECLUSE_TRY(prepare_mounts(launch, account));
  shim::Surroundings surroundings;
  surroundings.root = run_folder(launch.id) / "root";
  surroundings.etc_overlay = fmt::format("lowerdir={}:/etc", escaped(at / "etc"));
  ECLUSE_ASSIGN(surroundings.app_overlay, app_overlay(launch, account));
  if (launch.layer_writable) surroundings.app_lower = launch.artifact_path;
  surroundings.tmp_bytes_max = std::max(kTmpBytesMin, launch.limits.memory_bytes_max / kTmpShare);
  for (const auto& mount : launch.mounts) {
    surroundings.binds.push_back({mount.source, mount.target, mount.writable});
  }
  return surroundings;
}

/// Volumes come into being here; their places under /app in a skeleton below the artifact.
Result<void> Premises::prepare_mounts(const ports::Launch& launch, const Account& account) {
  ECLUSE_TRY(os::make_folder(folder(launch.id) / "skeleton"));
  for (const auto& mount : launch.mounts) {
    std::error_code error;
    if (mount.writable && fs::create_directories(mount.source, error)) {
      ECLUSE_TRY(os::make_folder(mount.source, 0750));
    }
    if (error) return fail(from_errno(error.value(), "make volume " + mount.source));
    if (mount.writable) ECLUSE_TRY(give_to(mount.source, account));
    if (!mount.target.starts_with("/app/") || !fs::is_directory(mount.source)) continue;
    ECLUSE_TRY(make_passable(folder(launch.id) / "skeleton", mount.target.substr(5)));
  }
  return {};
}

Result<std::string> Premises::app_overlay(const ports::Launch& launch, const Account& account) {
  if (launch.artifact_path.empty() && launch.layer_path.empty()) return std::string();
  std::string lower;
  std::string upper;
  if (!launch.layer_path.empty() && launch.layer_writable) {
    const std::string work = launch.layer_path + ".work";
    ECLUSE_TRY(os::make_folder(launch.layer_path));
    ECLUSE_TRY(os::make_folder(work));
    ECLUSE_TRY(give_to(launch.layer_path, account));
    upper = fmt::format(",upperdir={},workdir={}", escaped(launch.layer_path), escaped(work));
  } else if (!launch.layer_path.empty() && fs::is_directory(launch.layer_path)) {
    lower += escaped(launch.layer_path) + ":";
  }
  if (!launch.artifact_path.empty()) {
    lower += (upper.empty() ? escaped(launch.artifact_path) : std::string(shim::kLowerPlace)) + ":";
  }
  return "lowerdir=" + lower + escaped(folder(launch.id) / "skeleton") + upper;
}

Result<void> Premises::vacate(const StoredLaunch& stored) {
  const ports::Launch& launch = stored.launch;
  if (isolated_) {
    ECLUSE_TRY(cgroups_.remove(launch.id));
    ECLUSE_TRY(network_.detach(launch.id, environment_key(launch)));
  }
  std::error_code error;
  fs::remove_all(run_folder(launch.id), error);
  if (error) return fail(from_errno(error.value(), "remove " + run_folder(launch.id).string()));
  return {};
}

Result<void> Premises::forget_strangers(const std::vector<StoredLaunch>& known) {
  std::set<std::string> ids;
  for (const StoredLaunch& stored : known) ids.insert(stored.launch.id);
  return network_.keep_only(ids);
}

Result<void> Premises::forget(const StoredLaunch& stored) {
  const std::string& id = stored.launch.id;
  std::error_code error;
  fs::remove_all(old_logs(id), error);
  fs::rename(folder(id) / "logs", old_logs(id), error);
  if (error) log_warn("the logs of {} are lost: {}", id, error.message());
  keep_newest(data_ / "logs/instances", kOldLogsKept);
  fs::remove_all(folder(id), error);
  if (error) return fail(from_errno(error.value(), "remove " + folder(id).string()));
  return {};
}

}  // namespace ecluse::runtime
