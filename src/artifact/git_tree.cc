#include "artifact/git_tree.h"

#include <fmt/format.h>

#include <charconv>

#include "artifact/git_command.h"
#include "base/text.h"

namespace ecluse::artifact {

namespace {
constexpr std::uint64_t kLinkBytesMax = 4096;

tl::unexpected<Error> not_a_listing(std::string_view line) {
  return fail(ErrorKind::kInvalid, fmt::format("git ls-tree said {}", printable(line)));
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// "100644 blob 0123...      12\tpath"
Result<TreeEntry> parse_entry(std::string_view line) {
  const std::size_t tab = line.find('\t');
  if (tab == std::string_view::npos || line.size() < 54 || tab < 53) return not_a_listing(line);
  TreeEntry entry;
  const std::string_view mode = line.substr(0, 6);
  if (mode == "120000") entry.kind = EntryKind::kLink;
  if (mode == "160000") entry.kind = EntryKind::kSubmodule;
  const std::size_t object = line.find(' ', 7);
  if (object == std::string_view::npos) return not_a_listing(line);
  entry.object = line.substr(object + 1, 40);
  entry.path = line.substr(tab + 1);
  const std::string_view size = trim(line.substr(object + 41, tab - object - 41));
  if (size != "-" && !parse_number(size, entry.bytes)) return not_a_listing(line);
  return entry;
}
}  // namespace

Result<std::vector<TreeEntry>> parse_tree(std::string_view listing) {
  std::vector<TreeEntry> entries;
  while (!listing.empty()) {
    const std::size_t end = listing.find('\0');
    if (end == std::string_view::npos) return not_a_listing(listing);
    ECLUSE_ASSIGN(TreeEntry entry, parse_entry(listing.substr(0, end)));
    entries.push_back(std::move(entry));
    listing.remove_prefix(end + 1);
  }
  return entries;
}

Result<std::vector<TreeEntry>> list_tree(const std::filesystem::path& git_folder,
                                         const std::string& sha) {
  ECLUSE_ASSIGN(const std::string listing,
                git_output({.git_folder = git_folder,
                            .arguments = {"ls-tree", "-r", "-l", "-z", "--full-tree", sha}}));
  return parse_tree(listing);
}

namespace {
/// One answer of `git cat-file --batch`: "OBJECT blob BYTES\n", the bytes, "\n".
Result<std::string> take_blob(std::string_view& answers, const TreeEntry& entry) {
  const std::size_t line_end = answers.find('\n');
  const std::string expected = fmt::format("{} blob {}", entry.object, entry.bytes);
  if (answers.substr(0, line_end) != expected || answers.size() < line_end + entry.bytes + 2) {
    return fail(ErrorKind::kInternal, fmt::format("git cat-file has no {}", entry.object));
  }
  std::string content(answers.substr(line_end + 1, entry.bytes));
  answers.remove_prefix(line_end + entry.bytes + 2);
  return content;
}
}  // namespace

Result<Links> read_links(const std::filesystem::path& git_folder,
                         const std::vector<TreeEntry>& entries) {
  std::vector<const TreeEntry*> wanted;
  std::string objects;
  for (const TreeEntry& entry : entries) {
    if (entry.kind != EntryKind::kLink) continue;
    if (entry.bytes > kLinkBytesMax) {
      return fail(ErrorKind::kInvalid,
                  fmt::format("the target of symbolic link {} is too long", printable(entry.path)));
    }
    wanted.push_back(&entry);
    objects += entry.object + "\n";
  }
  if (wanted.empty()) return Links{};
  ECLUSE_ASSIGN(const std::string said, git_output({.git_folder = git_folder,
                                                    .arguments = {"cat-file", "--batch"},
                                                    .input = objects}));
  std::string_view answers = said;
  Links links;
  for (const TreeEntry* entry : wanted) {
    ECLUSE_ASSIGN(links[entry->path], take_blob(answers, *entry));
  }
  return links;
}

Result<std::string> read_blob(const std::filesystem::path& git_folder, const std::string& object,
                              std::uint64_t bytes_max) {
  return git_output({.git_folder = git_folder,
                     .arguments = {"cat-file", "blob", object},
                     .output_bytes_max = bytes_max + 1});
}

}  // namespace ecluse::artifact
