#include "gateway/static_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "gateway/http1_chars.h"
#include "gateway/kernel_features.h"

namespace ecluse::gateway {

namespace {
struct Type {
  std::string_view ending;
  std::string_view type;
};
constexpr auto kTypes = std::to_array<Type>({
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".html", "text/html; charset=utf-8"},
    {".htm", "text/html; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/markdown; charset=utf-8"},
    {".csv", "text/csv; charset=utf-8"},
    {".xml", "application/xml"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff", "font/woff"},
    {".woff2", "font/woff2"},
    {".ttf", "font/ttf"},
    {".otf", "font/otf"},
    {".pdf", "application/pdf"},
    {".wasm", "application/wasm"},
    {".webmanifest", "application/manifest+json"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
    {".mp3", "audio/mpeg"},
    {".zip", "application/zip"},
    {".gz", "application/gzip"},
});

std::string_view value_of(const http1::Fields& fields, std::string_view name) {
  for (const http1::Field& field : fields) {
    if (http1::equal_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

int hex_value(char c) {
  if (http1::is_digit(c)) return c - '0';
  const char lower = http1::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Nothing when an escape is no escape, or stands for what may not be in a name.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      if (c == '/') return std::nullopt;
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return std::nullopt;
    out += c;
  }
  return out;
}

bool is_served(std::string_view segment) {
  return !segment.empty() && (segment[0] != '.' || segment == ".well-known");
}

bool all_segments_are_served(std::string_view name) {
  for (;;) {
    const std::size_t slash = name.find('/');
    if (!is_served(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}
}  // namespace

std::string_view content_type_of(std::string_view name) {
  for (const Type& known : kTypes) {
    const bool ends_so =
        name.size() > known.ending.size() &&
        http1::equal_ignoring_case(name.substr(name.size() - known.ending.size()), known.ending);
    if (ends_so) return known.type;
  }
  return "application/octet-stream";
}

const FolderRoute* folder_for(const std::vector<FolderRoute>& folders, std::string_view path) {
  path = path.substr(0, path.find('?'));
  const FolderRoute* best = nullptr;
  for (const FolderRoute& folder : folders) {
    const bool is_below = path.starts_with(folder.prefix) && path.size() > folder.prefix.size() &&
                          path[folder.prefix.size()] == '/';
    if (is_below && (best == nullptr || folder.prefix.size() > best->prefix.size())) best = &folder;
  }
  return best;
}

std::optional<std::string> relative_name(std::string_view path, std::string_view prefix) {
  path = path.substr(0, path.find('?'));
  auto name = decoded(path.substr(prefix.size() + 1));
  if (!name) return std::nullopt;
  if (name->empty() || name->back() == '/') *name += "index.html";
  if (!all_segments_are_served(*name)) return std::nullopt;
  return name;
}

namespace {
std::string path_of(const os::Fd& fd) {
  std::error_code error;  // leaves the path empty
  return std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd.get()), error).string();
}

/// Where the name led is looked at before anything is opened for reading: no link brings us out of
/// the folder, and no device is touched.
os::Fd open_if_below(const os::Fd& root, const std::string& name) {
  const os::Fd found(::openat(root.get(), name.c_str(), O_PATH | O_CLOEXEC));
  const std::string folder = path_of(root);
  if (!found || folder.empty() || !path_of(found).starts_with(folder + "/")) return {};
  return os::Fd(::open(fmt::format("/proc/self/fd/{}", found.get()).c_str(),
                       O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

os::Fd open_below(const os::Fd& root, const std::string& name) {
  if (!kernel_features().open_beneath) return open_if_below(root, name);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a FIFO in the release must not hold us up
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return os::Fd(
      static_cast<int>(::syscall(SYS_openat2, root.get(), name.c_str(), &how, sizeof how)));
}

std::string http_date(std::time_t at) {
  std::array<char, 32> text{};
  tm parts{};
  (void)::gmtime_r(&at, &parts);  // cannot fail for a time of a file system
  return {text.data(),
          std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

/// As HTTP writes it, and as old senders still do (RFC 9110 section 5.6.7).
std::optional<std::time_t> read_date(std::string_view text) {
  constexpr std::array kForms{"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                              "%a %b %e %H:%M:%S %Y"};
  const std::string terminated(text);
  for (const char* const form : kForms) {
    tm parts{};
    const char* const end = ::strptime(terminated.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') return ::timegm(&parts);
  }
  return std::nullopt;
}

bool accepts(std::string_view accepted, std::string_view coding) {
  bool does = false;
  http1::for_each_element(accepted, [&](std::string_view element) {
    const std::size_t semicolon = std::min(element.find(';'), element.size());
    const std::string_view name = http1::trim_ows(element.substr(0, semicolon));
    const std::string_view weight = element.substr(semicolon);
    const bool is_refused = weight.find("q=0") != std::string_view::npos &&
                            weight.find_first_of("123456789") == std::string_view::npos;
    if (http1::equal_ignoring_case(name, coding)) does = !is_refused;
    return true;
  });
  return does;
}

bool is_compressible(std::string_view type) {
  return type.starts_with("text/") || type == "application/json" || type == "application/xml" ||
         type == "image/svg+xml" || type == "application/wasm" ||
         type == "application/manifest+json";
}

struct Coding {
  std::string_view name;
  std::string_view ending;
};
constexpr auto kCodings = std::to_array<Coding>({{"br", ".br"}, {"gzip", ".gz"}, {"", ""}});

/// Fills in what the open descriptor says; false if it is no regular file.
bool examine(StaticFile& file, std::uint64_t salt) {
  struct stat status{};
  if (::fstat(file.fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  file.bytes = static_cast<std::uint64_t>(status.st_size);
  file.modified_at = status.st_mtim.tv_sec;
  file.modified = http_date(file.modified_at);
  file.entity_tag = fmt::format("\"{:x}-{:x}-{:x}{}{}\"", salt, status.st_mtim.tv_sec, file.bytes,
                                file.encoding.empty() ? "" : "-", file.encoding);
  return true;
}
}  // namespace

os::Fd open_below(const std::string& root, const std::string& name) {
  return open_below(os::Fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), name);
}

std::optional<StaticFile> open_static(const FolderRoute& folder, const std::string& name,
                                      const http1::Fields& fields) {
  const std::string_view type = content_type_of(name);
  const bool varies = is_compressible(type);
  const std::string_view accepted =
      value_of(fields, "Range").empty() ? value_of(fields, "Accept-Encoding") : std::string_view();
  for (const auto& root : folder.roots) {
    for (const Coding& coding : kCodings) {
      const bool is_plain = coding.name.empty();
      if (!is_plain && !(varies && accepts(accepted, coding.name))) continue;
      StaticFile file{.fd = open_below(*root, name + std::string(coding.ending)),
                      .type = type,
                      .encoding = coding.name,
                      .varies = varies};
      if (file.fd && examine(file, folder.salt)) return file;
    }
  }
  return std::nullopt;
}

namespace {
/// Whether a list of entity tags, over as many lines as it has, names ours. Weak comparison ignores
/// the W/ of theirs; ours are strong.
bool lists(const http1::Fields& fields, std::string_view name, std::string_view ours,
           bool is_weak) {
  bool found = false;
  for (const http1::Field& field : fields) {
    if (!http1::equal_ignoring_case(field.name, name)) continue;
    http1::for_each_element(field.value, [&](std::string_view tag) {
      if (is_weak && tag.starts_with("W/")) tag.remove_prefix(2);
      found = found || tag == "*" || tag == ours;
      return true;
    });
  }
  return found;
}

bool was_modified_since(const StaticFile& file, std::string_view date) {
  const auto since = read_date(date);
  return since && file.modified_at > *since;  // what is no date is no condition
}

/// 412, 304, or 200: go on. If-Modified-Since is compared for equality: after a rollback the older
/// file is the newer one.
int precondition(const http1::Fields& fields, const StaticFile& file) {
  if (!value_of(fields, "If-Match").empty()) {
    if (!lists(fields, "If-Match", file.entity_tag, false)) return 412;
  } else if (was_modified_since(file, value_of(fields, "If-Unmodified-Since"))) {
    return 412;
  }
  if (!value_of(fields, "If-None-Match").empty()) {
    return lists(fields, "If-None-Match", file.entity_tag, true) ? 304 : 200;
  }
  return read_date(value_of(fields, "If-Modified-Since")) == file.modified_at ? 304 : 200;
}

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  if (digits.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

/// One range of bytes; several, or what is no range, are ignored, which is allowed.
Share range_of(std::string_view text, std::uint64_t bytes) {
  const Share whole{200, 0, bytes};
  if (!text.starts_with("bytes=")) return whole;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) return whole;
  const auto first = number_of(text.substr(0, dash));
  const auto last = number_of(text.substr(dash + 1));
  if (dash == 0) {
    if (!last) return whole;
    if (*last == 0 || bytes == 0) return {416, 0, 0};
    return {206, bytes - std::min(*last, bytes), bytes};
  }
  const bool is_open = dash + 1 == text.size();
  if (!first || (!last && !is_open) || (last && *last < *first)) return whole;
  if (*first >= bytes) return {416, 0, 0};
  return {206, *first, last ? std::min(*last, bytes - 1) + 1 : bytes};
}
}  // namespace

Share share_of(std::string_view method, const http1::Fields& fields, const StaticFile& file) {
  if (const int status = precondition(fields, file); status != 200) return {status, 0, 0};
  const std::string_view range = value_of(fields, "Range");
  const std::string_view only_if = value_of(fields, "If-Range");
  const bool still_is =
      only_if.empty() || only_if == file.entity_tag || read_date(only_if) == file.modified_at;
  if (method != "GET" || range.empty() || !still_is) return {200, 0, file.bytes};
  return range_of(range, file.bytes);
}

}  // namespace ecluse::gateway
