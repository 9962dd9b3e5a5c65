#include "transfer/json_meaning.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "transfer/decimal.h"

namespace ecluse::transfer {

namespace {
using nlohmann::json;
constexpr std::size_t kDepthMax = 500;

/// Builds the document with every scalar as text that begins with its type, so that numbers of any
/// size keep their digits: the library would make doubles of them.
class Builder : public nlohmann::json_sax<json> {
 public:
  bool null() override { return put("null"); }
  bool boolean(bool value) override { return put(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return number(text); }
  bool string(string_t& value) override {
    look(value);
    return put("s" + value);
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    look(value);
    keys_.back() = value;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

  JsonMeaning take() const { return {root_.dump(), holds_nul_}; }

 private:
  void look(const std::string& value) {
    holds_nul_ = holds_nul_ || value.find('\0') != std::string::npos;
  }
  bool number(const std::string& text) {
    const auto decimal = parse_decimal(text);
    return decimal && put("n" + scientific_text(*decimal));
  }
  json& place(json value) {
    if (open_.empty()) return root_ = std::move(value);
    auto& parent = *open_.back();
    if (parent.is_object()) return parent[keys_.back()] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }
  bool put(std::string text) {
    place(std::move(text));
    return true;
  }
  bool open(json value) {
    if (open_.size() >= kDepthMax) return false;
    open_.push_back(&place(std::move(value)));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  json root_;
  std::vector<json*> open_;  ///< stays valid: only the last one grows
  std::vector<std::string> keys_;
  bool holds_nul_ = false;
};
}  // namespace

std::optional<JsonMeaning> json_meaning(std::string_view text) {
  Builder builder;
  if (!json::sax_parse(text.begin(), text.end(), &builder)) return std::nullopt;
  return builder.take();
}

}  // namespace ecluse::transfer
