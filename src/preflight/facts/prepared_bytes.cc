#include "preflight/facts/prepared_bytes.h"

// Most lengths are 0. NOLINTNEXTLINE(cppcoreguidelines-macro-usage)
#define CEREAL_SIZE_TYPE std::uint32_t
#include <cereal/archives/binary.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <exception>
#include <istream>
#include <sstream>
#include <streambuf>

namespace ecluse::preflight {

// Found by cereal through the types they are about. Each takes its type apart by name, so that a
// member more does not compile before it stands here.

template <typename Archive>
static void serialize(Archive& archive, Place& place) {
  auto& [line, column] = place;
  archive(line, column);
}

template <typename Archive>
static void serialize(Archive& archive, Value& value) {
  auto& [kind, text, callee, interpolated, items, place] = value;
  archive(kind, text, callee, interpolated, items, place);
}

template <typename Archive>
static void serialize(Archive& archive, Item& item) {
  auto& [key, value] = item;
  archive(key, value);
}

template <typename Archive>
static void serialize(Archive& archive, Scope& scope) {
  auto& [function, type, condition, main_guard, guarded, handler] = scope;
  archive(function, type, condition, main_guard, guarded, handler);
}

template <typename Archive>
static void serialize(Archive& archive, Call& call) {
  auto& [value, scope] = call;
  archive(value, scope);
}

template <typename Archive>
static void serialize(Archive& archive, Assignment& assignment) {
  auto& [target, value, scope, place] = assignment;
  archive(target, value, scope, place);
}

template <typename Archive>
static void serialize(Archive& archive, Comparison& comparison) {
  auto& [name, literal, scope, place] = comparison;
  archive(name, literal, scope, place);
}

template <typename Archive>
static void serialize(Archive& archive, Import& import) {
  auto& [module, names, guarded, place] = import;
  archive(module, names, guarded, place);
}

template <typename Archive>
static void serialize(Archive& archive, EnvRead& read) {
  auto& [name, required, fallback, spelling, used_by, separator, scope, place] = read;
  archive(name, required, fallback, spelling, used_by, separator, scope, place);
}

template <typename Archive>
static void serialize(Archive& archive, EnvReader& reader) {
  auto& [function, required, separator] = reader;
  archive(function, required, separator);
}

template <typename Archive>
static void serialize(Archive& archive, Raise& raise) {
  auto& [scope, place, text] = raise;
  archive(scope, place, text);
}

template <typename Archive>
static void serialize(Archive& archive, Definition& definition) {
  auto& [name, bases, decorators, type, returned, handles, scope, place] = definition;
  archive(name, bases, decorators, type, returned, handles, scope, place);
}

template <typename Archive>
static void serialize(Archive& archive, TypedField& field) {
  auto& [owner, name, type, value, place] = field;
  archive(owner, name, type, value, place);
}

template <typename Archive>
static void serialize(Archive& archive, CodeFile& file) {
  auto& [path, language, calls, assignments, comparisons, imports, reads, readers, fields, raises,
         definitions, test, production, truncated] = file;
  archive(path, language, calls, assignments, comparisons, imports, reads, readers, fields, raises,
          definitions, test, production, truncated);
}

template <typename Archive>
static void serialize(Archive& archive, Suppression& suppression) {
  auto& [path, line, rules, reason] = suppression;
  archive(path, line, rules, reason);
}

template <typename Archive>
static void serialize(Archive& archive, TextFile& file) {
  auto& [encoding, text] = file;
  archive(encoding, text);
}

template <typename Archive>
static void serialize(Archive& archive, Prepared& prepared) {
  auto& [text, suppressions, imports, code] = prepared;
  archive(text, suppressions, imports, code);
}

namespace {

/// A text to be read from where it lies.
class View : public std::streambuf {
 public:
  explicit View(std::string_view text) {
    auto* begin = const_cast<char*>(text.data());  // never written to: there is no overflow()
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

std::string to_bytes(const Prepared& prepared) {
  std::ostringstream out;
  cereal::BinaryOutputArchive archive(out);
  archive(prepared);
  return std::move(out).str();
}

std::optional<Prepared> from_bytes(std::string_view bytes) {
  try {
    View view(bytes);
    std::istream in(&view);
    cereal::BinaryInputArchive archive(in);
    std::optional<Prepared> made(std::in_place);
    archive(*made);
    return made;
  } catch (const std::exception&) {  // cereal's own, or of a length that no memory can hold
    return std::nullopt;
  }
}

}  // namespace ecluse::preflight
