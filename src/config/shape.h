#pragma once
// The pieces the table of keys is made of. A Shape<V> knows how a V is written in ecluse.yml: how
// to read one (over what an outer layer said), how to write one, what it is as a schema, and which
// parts of it nothing serves yet. Shapes are values; they are built once and only read afterwards.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/text.h"
#include "config/reader.h"
#include "config/schema.h"
#include "config/tree.h"

namespace ecluse::config {

/// Something that was asked for and that nothing serves yet.
struct Use {
  std::string path;
  std::string what;  ///< "backups: nothing will be backed up"
};
using Uses = std::vector<Use>;

template <typename V>
struct Shape {
  SchemaPtr schema;
  std::function<void(const Node&, Reader&, V&)> read;
  std::function<Node(const V&)> write;
  std::function<void(const V&, const std::string& path, Uses&)> later =
      [](const V&, const std::string&, Uses&) {};
};

Node scalar_node(std::string text);  ///< a number or a word of the schema
Node text_node(std::string text);    ///< a text: quoted where YAML would read something else
bool same_value(const Node& a, const Node& b);
/// The node as YAML on one line: "[100%]", "{path: /, after: 1}".
std::string in_one_line(const Node& node);
SchemaPtr make_schema(Schema schema);
std::string one_of(const std::vector<std::string>& words);

/// The candidate that was probably meant: the nearest, or one that begins like `word`; or "".
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

/// Why a scalar was not taken; empty fields: the shape's own words.
struct Wrong {
  std::string message;
  std::string expected;
  std::string nearest;
};
template <typename V>
using Scalar = tl::expected<V, Wrong>;

void report(const Wrong& wrong, const Node& node, const Schema& schema, Reader& reader);

template <typename V>
Shape<V> scalar(Schema description, std::function<Scalar<V>(const Node&)> parse,
                std::function<Node(const V&)> write) {
  Shape<V> shape;
  shape.schema = make_schema(std::move(description));
  shape.write = std::move(write);
  shape.read = [schema = shape.schema, parse = std::move(parse)](const Node& node, Reader& reader,
                                                                 V& into) {
    if (node.kind != NodeKind::kScalar) return report({}, node, *schema, reader);
    auto value = parse(node);
    if (!value) return report(value.error(), node, *schema, reader);
    into = std::move(*value);
    reader.stands_at(node.place);
  };
  return shape;
}

/// A choice among words. `later` are those that nothing serves yet, and what that means.
template <typename E>
struct Word {
  std::string word;
  E value;
  std::string later = {};
};
template <typename E>
Shape<E> word(std::vector<Word<E>> words) {
  Schema description;
  for (const auto& each : words) {
    description.words.push_back(each.word);
    if (!each.later.empty()) description.words_later.push_back(each.word);
  }
  description.expected = one_of(description.words);
  const auto parse = [words, all = description.words](const Node& node) -> Scalar<E> {
    for (const auto& each : words)
      if (each.word == node.text) return each.value;
    return tl::unexpected(Wrong{"", "", suggestion(node.text, all)});
  };
  const auto write = [words](const E& value) {
    for (const auto& each : words)
      if (each.value == value) return scalar_node(each.word);
    return Node{};
  };
  Shape<E> shape = scalar<E>(std::move(description), parse, write);
  shape.later = [words](const E& value, const std::string& path, Uses& uses) {
    for (const auto& each : words)
      if (each.value == value && !each.later.empty()) uses.push_back({path, each.later});
  };
  return shape;
}

/// A list, replaced as a whole by an inner layer. A single value may stand alone where `or_one`.
template <typename V>
Shape<std::vector<V>> list_of(Shape<V> item, bool or_one = false) {
  Shape<std::vector<V>> shape;
  const std::string each =
      item.schema->name.empty() ? item.schema->expected : "a " + item.schema->name;
  const SchemaPtr list = make_schema(
      {.kind = SchemaKind::kList, .expected = "a list, each " + each, .item = item.schema});
  shape.schema = or_one ? make_schema({.kind = SchemaKind::kAnyOf,
                                       .expected = item.schema->expected + ", or a list of them",
                                       .any_of = {list, item.schema}})
                        : list;
  shape.read = [schema = shape.schema, item, or_one](const Node& node, Reader& reader,
                                                     std::vector<V>& into) {
    const bool alone = or_one && node.kind == NodeKind::kScalar;
    if (node.kind != NodeKind::kList && !alone) return reader.wrong(node, schema->expected);
    reader.replace();
    reader.stands_at(node.place);
    into.clear();
    const std::size_t count = alone ? 1 : node.items.size();
    for (std::size_t i = 0; i < count; ++i) {
      const Reader::Scope scope(reader, "[" + std::to_string(i) + "]");
      item.read(alone ? node : node.items[i], reader, into.emplace_back());
    }
  };
  shape.write = [item](const std::vector<V>& values) {
    Node node{.kind = NodeKind::kList};
    for (const auto& value : values) node.items.push_back(item.write(value));
    return node;
  };
  shape.later = [item](const std::vector<V>& values, const std::string& path, Uses& uses) {
    for (std::size_t i = 0; i < values.size(); ++i)
      item.later(values[i], path + "[" + std::to_string(i) + "]", uses);
  };
  return shape;
}

/// What the keys of a map may be.
struct KeyRule {
  std::string pattern;   ///< of the JSON Schema
  std::string expected;  ///< in words
  std::function<bool(std::string_view)> fits;
};

template <typename V, typename Find>
void read_map(const Node& node, Reader& reader, const Schema& schema, const KeyRule& rule,
              const Shape<V>& item, Find find_or_add) {
  if (node.kind != NodeKind::kMap) return reader.wrong(node, schema.expected);
  reader.stands_at(node.place);
  for (const auto& [key, place, value] : node.entries) {
    if (!rule.fits(key)) {
      reader.error(place, "'" + printable(key, 60) + "' cannot be a key here", rule.expected);
      continue;
    }
    const Reader::Scope scope(reader, key);
    item.read(value, reader, find_or_add(key));
  }
}

/// A map; an inner layer adds to it, key by key.
template <typename V>
Shape<std::map<std::string, V>> map_of(KeyRule rule, Shape<V> item) {
  Shape<std::map<std::string, V>> shape;
  shape.schema = make_schema({.kind = SchemaKind::kMap,
                              .expected = "a map of keys to values",
                              .item = item.schema,
                              .key_pattern = rule.pattern});
  shape.read = [schema = shape.schema, rule, item](const Node& node, Reader& reader,
                                                   std::map<std::string, V>& into) {
    read_map(node, reader, *schema, rule, item,
             [&](const std::string& key) -> V& { return into[key]; });
  };
  shape.write = [item](const std::map<std::string, V>& values) {
    Node node{.kind = NodeKind::kMap};
    for (const auto& [key, value] : values) node.entries.push_back({key, {}, item.write(value)});
    return node;
  };
  return shape;
}

/// A map whose values know their own name; kept in the order of the file.
template <typename V>
Shape<std::vector<V>> named(KeyRule rule, Shape<V> item) {
  Shape<std::vector<V>> shape;
  shape.schema = make_schema({.kind = SchemaKind::kMap,
                              .expected = "a map of names to " + item.schema->name + " settings",
                              .item = item.schema,
                              .key_pattern = rule.pattern});
  shape.read = [schema = shape.schema, rule, item](const Node& node, Reader& reader,
                                                   std::vector<V>& into) {
    read_map(node, reader, *schema, rule, item, [&](const std::string& key) -> V& {
      for (auto& value : into)
        if (value.name == key) return value;
      V& added = into.emplace_back();
      added.name = key;
      return added;
    });
  };
  shape.write = [item](const std::vector<V>& values) {
    Node node{.kind = NodeKind::kMap};
    for (const auto& value : values) node.entries.push_back({value.name, {}, item.write(value)});
    return node;
  };
  shape.later = [item](const std::vector<V>& values, const std::string& path, Uses& uses) {
    for (const auto& value : values) item.later(value, path + "." + value.name, uses);
  };
  return shape;
}

/// One key of a record T.
template <typename T>
struct Field {
  SchemaKey key;
  std::function<void(const Node&, Reader&, T&)> read;
  std::function<std::optional<Node>(const T&)> write;  ///< nullopt: absent
  std::function<void(const T&, const std::string& path, Uses&)> later_inside;

  Field required() && {
    key.required = true;
    return std::move(*this);
  }
  /// Nothing serves it yet; `what` says what will not happen.
  Field later(std::string what) && {
    key.later = std::move(what);
    return std::move(*this);
  }
};

template <typename T, typename M, typename V>
Field<T> field(std::string name, M T::* member, Shape<V> shape, std::string meaning) {
  static_assert(std::is_same_v<M, V> || std::is_same_v<M, std::optional<V>>);
  constexpr bool optional = !std::is_same_v<M, V>;
  Field<T> made;
  made.key = {.name = std::move(name), .value = shape.schema, .meaning = std::move(meaning)};
  made.read = [member, shape](const Node& node, Reader& reader, T& into) {
    if constexpr (optional) {
      if (!(into.*member)) (into.*member).emplace();
      shape.read(node, reader, *(into.*member));
    } else {
      shape.read(node, reader, into.*member);
    }
  };
  made.write = [member, shape](const T& from) -> std::optional<Node> {
    if constexpr (optional) {
      return from.*member ? std::optional(shape.write(*(from.*member))) : std::nullopt;
    } else {
      if constexpr (std::is_same_v<V, std::string>)  // the model's word for "not given"
        if ((from.*member).empty()) return std::nullopt;
      return shape.write(from.*member);
    }
  };
  made.later_inside = [member, shape](const T& from, const std::string& path, Uses& uses) {
    if constexpr (optional) {
      if (from.*member) shape.later(*(from.*member), path, uses);
    } else {
      shape.later(from.*member, path, uses);
    }
  };
  return made;
}

/// A key of `Inner` that stands in the map of `Outer` itself.
template <typename Outer, typename Inner>
Field<Outer> lifted(Field<Inner> inner, Inner Outer::* member) {
  Field<Outer> made;
  made.key = inner.key;
  made.read = [inner, member](const Node& node, Reader& reader, Outer& into) {
    inner.read(node, reader, into.*member);
  };
  made.write = [inner, member](const Outer& from) { return inner.write(from.*member); };
  made.later_inside = [inner, member](const Outer& from, const std::string& path, Uses& uses) {
    inner.later_inside(from.*member, path, uses);
  };
  return made;
}

void report_unknown_key(const Entry& entry, const Schema& schema, Reader& reader);
void report_missing_keys(const Node& node, const Schema& schema, Reader& reader);

struct RecordRules {
  std::string name;
  bool complete = false;      ///< required keys must all stand in this very map
  bool may_be_empty = false;  ///< `prod:` alone is a record of defaults
};

/// A map with known keys. `after` sees the record once its keys are read.
template <typename T>
Shape<T> record(RecordRules rules, std::vector<Field<T>> fields,
                std::function<void(const Node&, Reader&, T&)> after = nullptr) {
  Schema description{.kind = SchemaKind::kRecord,
                     .name = rules.name,
                     .expected = "a map of " + rules.name + " keys",
                     .complete = rules.complete,
                     .may_be_empty = rules.may_be_empty};
  for (auto& each : fields) {
    const auto value = each.write(T{});
    if (value && !each.key.required) each.key.default_text = in_one_line(*value);
    description.keys.push_back(each.key);
  }
  Shape<T> shape;
  shape.schema = make_schema(std::move(description));
  const auto all = std::make_shared<const std::vector<Field<T>>>(std::move(fields));
  shape.read = [schema = shape.schema, all, after](const Node& node, Reader& reader, T& into) {
    const bool empty = node.kind == NodeKind::kNull && schema->may_be_empty;
    if (node.kind != NodeKind::kMap && !empty) return reader.wrong(node, schema->expected);
    reader.stands_at(node.place);
    for (const auto& entry : node.entries) {
      const auto found = std::find_if(all->begin(), all->end(),
                                      [&](const auto& f) { return f.key.name == entry.key; });
      if (found == all->end()) {
        report_unknown_key(entry, *schema, reader);
        continue;
      }
      const Reader::Scope scope(reader, entry.key);
      found->read(entry.value, reader, into);
    }
    if (schema->complete) report_missing_keys(node, *schema, reader);
    if (after) after(node, reader, into);
  };
  shape.write = [all](const T& from) {
    Node node{.kind = NodeKind::kMap};
    for (const auto& each : *all)
      if (auto value = each.write(from)) node.entries.push_back({each.key.name, {}, *value});
    return node;
  };
  shape.later = [all](const T& from, const std::string& path, Uses& uses) {
    for (const auto& each : *all) {
      const std::string under = path.empty() ? each.key.name : path + "." + each.key.name;
      const auto value = each.write(from);
      const auto usual = each.write(T{});
      const bool used = value && !(usual && same_value(*value, *usual));
      if (used && !each.key.later.empty())
        uses.push_back({under, each.key.later});
      else if (used)
        each.later_inside(from, under, uses);
    }
  };
  return shape;
}

/// A record that may be written as the value of its key `name` alone: `ready: /health`.
/// `lists`: the short form is a list, otherwise a scalar.
template <typename T>
Shape<T> with_short_form(Shape<T> whole, Field<T> key, bool lists = false) {
  Shape<T> shape = whole;
  const std::string expected = key.key.value->expected + ", or " + whole.schema->expected;
  shape.schema = make_schema({.kind = SchemaKind::kAnyOf,
                              .name = whole.schema->name,
                              .expected = expected,
                              .any_of = {key.key.value, whole.schema}});
  shape.read = [whole, key, lists, expected](const Node& node, Reader& reader, T& into) {
    if (node.kind == NodeKind::kMap) return whole.read(node, reader, into);
    if (node.kind != (lists ? NodeKind::kList : NodeKind::kScalar))
      return reader.wrong(node, expected);
    reader.stands_at(node.place);
    const Reader::Scope scope(reader, key.key.name);
    key.read(node, reader, into);
  };
  return shape;
}

/// A value whose inner layer replaces all of the outer one.
template <typename V>
Shape<V> replaced_whole(Shape<V> inner) {
  Shape<V> shape = inner;
  shape.read = [inner](const Node& node, Reader& reader, V& into) {
    reader.replace();
    into = V{};
    inner.read(node, reader, into);
  };
  return shape;
}

}  // namespace ecluse::config
