#pragma once
// Where text goes, and what may be done there.

#include <iosfwd>
#include <string>
#include <string_view>

namespace ecluse::cli {

enum class Ink { kPlain, kBold, kDim, kGood, kBad, kWarn };

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_tty = false;
  bool out_is_tty = false;
  bool colour = false;  ///< out_is_tty, and NO_COLOR is not set
  bool unicode = false;
  int width = 80;

  std::string paint(Ink ink, std::string_view text) const;
};

/// The process's own streams; reads NO_COLOR, TERM and the locale from the environment.
Terminal own_terminal();

/// How many columns `text` takes: UTF-8 code points, escape sequences not counted.
std::size_t columns_of(std::string_view text);

}  // namespace ecluse::cli
