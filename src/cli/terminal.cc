#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace ecluse::cli {

namespace {

constexpr int kWidthMin = 40;

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto value = variable(name);
    if (value.empty()) continue;
    return value.find("UTF-8") != std::string_view::npos ||
           value.find("utf8") != std::string_view::npos;
  }
  return false;
}

int width_of(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < kWidthMin) return 80;
  return size.ws_col;
}

const char* sequence_of(Ink ink) {
  switch (ink) {
    case Ink::kPlain:
      return "";
    case Ink::kBold:
      return "1";
    case Ink::kDim:
      return "2";
    case Ink::kGood:
      return "32";
    case Ink::kBad:
      return "31";
    case Ink::kWarn:
      return "33";
  }
  return "";
}

}  // namespace

std::string Terminal::paint(Ink ink, std::string_view text) const {
  if (!colour || ink == Ink::kPlain) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", sequence_of(ink), text);
}

Terminal own_terminal() {
  const bool tty = isatty(STDOUT_FILENO) == 1 && variable("TERM") != "dumb";
  std::ios::sync_with_stdio(false);  // a trace of a million lines comes by std::cin
  return {.in = std::cin,
          .out = std::cout,
          .err = std::cerr,
          .in_is_tty = isatty(STDIN_FILENO) == 1,
          .out_is_tty = tty,
          .colour = tty && variable("NO_COLOR").empty(),
          .unicode = tty && locale_is_utf8(),
          .width = width_of(STDOUT_FILENO)};
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  bool escaped = false;
  for (const char c : text) {
    if (c == '\x1b') escaped = true;
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    if (!escaped && !continues) ++columns;
    if (escaped && c == 'm') escaped = false;
  }
  return columns;
}

}  // namespace ecluse::cli
