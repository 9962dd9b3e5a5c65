#include "gateway/page_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/route_table.h"
#include "gateway/static_files.h"

namespace ecluse::gateway {

namespace {
Result<std::string> read_regular(const os::Fd& fd) {
  struct stat about{};
  if (::fstat(fd.get(), &about) != 0) return fail(from_errno(errno, "fstat"));
  if (!S_ISREG(about.st_mode)) return fail(ErrorKind::kInvalid, "it is not a regular file");
  if (static_cast<std::size_t>(about.st_size) > kPageBytesMax) {
    return fail(ErrorKind::kInvalid,
                fmt::format("it has {} bytes, more than {}", about.st_size, kPageBytesMax));
  }
  std::string text(static_cast<std::size_t>(about.st_size), '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), 0);
  if (n < 0) return fail(from_errno(errno, "read"));
  text.resize(static_cast<std::size_t>(n));
  return text;
}

Result<std::string> read_page(const ports::PageFile& page) {
  for (const std::string& root : page.roots) {
    if (const os::Fd fd = open_below(root, page.file)) return read_regular(fd);
  }
  return fail(ErrorKind::kInvalid, "there is no such file in the release",
              "the page must be in the repository, or made by the build or a release job");
}

Result<std::string> read_named(const std::string& name, const ports::PageFile& page) {
  auto html = read_page(page);
  if (html) return html;
  return fail(in_context(fmt::format("the page {}: {}", name, page.file), html.error()));
}
}  // namespace

Result<void> check_page_files(const ports::Site& site) {
  for (const auto& [name, page] : site.page_files) {
    if (auto html = read_named(name, page); !html) return fail(std::move(html).error());
  }
  return {};
}

std::map<std::string, std::string> pages_of(const ports::Site& site) {
  std::map<std::string, std::string> pages = site.pages;
  for (const auto& [name, page] : site.page_files) {
    if (auto html = read_named(name, page)) {
      pages[name] = std::move(*html);
    } else {
      log_error("gateway: {}: {}", to_string(site.key), html.error().message);
    }
  }
  return pages;
}

}  // namespace ecluse::gateway
