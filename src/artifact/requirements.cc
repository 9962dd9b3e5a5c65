#include "artifact/requirements.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kFileBytesMax = 4 << 20;
constexpr std::size_t kNestedFilesMax = 64;

void append_utf8(std::string& text, char32_t c) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xE0 | c >> 12);
    } else {
      put(0xF0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3F));
    }
    put(0x80 | (c >> 6 & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

enum class Order { kLittle, kBig };

std::optional<std::string> from_utf16(std::string_view bytes, Order order) {
  if (bytes.size() % 2 != 0) return std::nullopt;
  const auto unit = [&](std::size_t i) -> char32_t {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const auto second = static_cast<unsigned char>(bytes[i + 1]);
    return order == Order::kLittle ? second << 8 | first : first << 8 | second;
  };
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    char32_t c = unit(i);
    if (c >= 0xDC00 && c <= 0xDFFF) return std::nullopt;
    if (c >= 0xD800 && c <= 0xDBFF) {
      if (i + 3 >= bytes.size()) return std::nullopt;
      const char32_t low = unit(i += 2);
      if (low < 0xDC00 || low > 0xDFFF) return std::nullopt;
      c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(text, c);
  }
  return text;
}

/// Latin text in UTF-16 has a zero in nearly every unit, on one side.
std::optional<Order> order_without_mark(std::string_view bytes) {
  if (bytes.size() < 4 || bytes.size() % 2 != 0) return std::nullopt;
  std::size_t even = 0;
  std::size_t odd = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    even += bytes[i] == '\0' ? 1 : 0;
    odd += bytes[i + 1] == '\0' ? 1 : 0;
  }
  const std::size_t most = bytes.size() / 2 * 9 / 10;
  if (odd >= most && even == 0) return Order::kLittle;
  if (even >= most && odd == 0) return Order::kBig;
  return std::nullopt;
}

std::string with_plain_line_ends(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    plain += text[i] == '\r' ? '\n' : text[i];
  }
  return plain;
}
}  // namespace

Result<DecodedText> decode_text(std::string_view bytes) {
  const auto utf16 = [](std::string_view text, Order order) -> Result<DecodedText> {
    const std::string name = order == Order::kLittle ? "UTF-16LE" : "UTF-16BE";
    if (const auto decoded = from_utf16(text, order)) {
      return DecodedText{with_plain_line_ends(*decoded), name};
    }
    return fail(ErrorKind::kInvalid, fmt::format("looks like {} but is not well-formed", name),
                "save it as UTF-8");
  };
  if (bytes.starts_with("\xFF\xFE")) return utf16(bytes.substr(2), Order::kLittle);
  if (bytes.starts_with("\xFE\xFF")) return utf16(bytes.substr(2), Order::kBig);
  if (const auto order = order_without_mark(bytes)) return utf16(bytes, *order);
  const bool marked = bytes.starts_with("\xEF\xBB\xBF");
  const std::string_view text = marked ? bytes.substr(3) : bytes;
  if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos) {
    return fail(ErrorKind::kInvalid, "is neither UTF-8 nor UTF-16", "save it as UTF-8");
  }
  return DecodedText{with_plain_line_ends(text), marked ? "UTF-8 with BOM" : "UTF-8"};
}

namespace {
/// The file that a line like "-r base.txt" or "--constraint=c.txt" includes.
std::optional<std::string> included_file(std::string_view line) {
  for (const std::string_view option : {"-r", "--requirement", "-c", "--constraint"}) {
    if (!line.starts_with(option)) continue;
    std::string_view rest = line.substr(option.size());
    const bool long_form = option.starts_with("--");
    if (long_form && !rest.empty() && rest.front() != ' ' && rest.front() != '=') continue;
    if (!rest.empty() && rest.front() == '=') rest.remove_prefix(1);
    rest = trim(rest.substr(0, rest.find(" #")));
    if (!rest.empty() && rest.find("://") == std::string_view::npos) return std::string(rest);
  }
  return std::nullopt;
}

bool is_open_ended(std::string_view line) {
  return line.starts_with("-e") || line.starts_with("--editable") || line.starts_with('.') ||
         line.starts_with('/') || line.find("git+") != std::string_view::npos ||
         line.find("file:") != std::string_view::npos || line.starts_with("-r http") ||
         line.starts_with("-c http");
}

class Reader {
 public:
  explicit Reader(const fs::path& tree) : tree_(tree) {}

  Result<DecodedText> read(const std::string& file) {
    const std::string name = fs::path(file).lexically_normal().string();
    if (name.starts_with("..") || name.starts_with('/')) {
      return fail(ErrorKind::kInvalid,
                  fmt::format("{} is outside the repository", printable(name)));
    }
    const auto bytes = os::read_file(tree_ / name, kFileBytesMax);
    if (!bytes) return fail(in_context("requirements", bytes.error()));
    auto decoded = decode_text(*bytes);
    if (!decoded) return fail(in_context(name, std::move(decoded).error()));
    seen_.insert(name);
    all_text += fmt::format("# {}\n{}\n", name, decoded->text);
    files.emplace_back(name, decoded->text);
    ECLUSE_TRY(follow(name, decoded->text));
    return decoded;
  }

  std::string all_text;
  std::vector<std::string> nested;
  std::vector<std::pair<std::string, std::string>> files;
  bool open_ended = false;

 private:
  Result<void> follow(const std::string& name, const std::string& text) {
    for (const std::string& raw : split(text, '\n')) {
      const std::string_view line = trim(raw);
      open_ended = open_ended || is_open_ended(line);
      const auto included = included_file(line);
      if (!included) continue;
      const std::string file =
          (fs::path(name).parent_path() / *included).lexically_normal().string();
      if (seen_.contains(file)) continue;
      if (seen_.size() >= kNestedFilesMax) {
        return fail(ErrorKind::kExhausted, "requirements include too many files");
      }
      nested.push_back(file);
      ECLUSE_TRY(read(file));
    }
    return {};
  }

  const fs::path& tree_;
  std::set<std::string> seen_;
};
}  // namespace

Result<Requirements> read_requirements(const fs::path& tree, const std::string& file) {
  Reader reader(tree);
  ECLUSE_ASSIGN(DecodedText decoded, reader.read(file));
  return Requirements{.text = std::move(decoded.text),
                      .encoding = std::move(decoded.encoding),
                      .nested = std::move(reader.nested),
                      .all_text = std::move(reader.all_text),
                      .files = std::move(reader.files),
                      .open_ended = reader.open_ended};
}

namespace {
std::string without_blanks(std::string_view text) {
  std::string dense(text.substr(0, text.find('#')));
  std::erase_if(dense, [](char c) { return c == ' ' || c == '\t'; });
  return dense;
}
}  // namespace

std::string line_of(const Requirements& requirements, std::string_view requirement) {
  const std::string wanted = without_blanks(requirement);
  for (const auto& [file, text] : requirements.files) {
    const auto lines = split(text, '\n');
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string line = without_blanks(lines[i]);
      const bool named =
          line.starts_with(wanted) && (line.size() == wanted.size() || line[wanted.size()] == ';');
      if (named) return fmt::format("line {} of {}", i + 1, file);
    }
  }
  return {};
}

}  // namespace ecluse::artifact
