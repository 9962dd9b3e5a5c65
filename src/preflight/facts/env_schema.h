#pragma once
// Variables that a JavaScript file asks of a library: a schema that process.env is held against
// (zod, Joi, yup, envalid's cleanEnv, t3's createEnv, Nest's validationSchema), `env.get("PORT")`
// of env-var and of Nest's ConfigService. Private to facts/.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "preflight/facts/code.h"
#include "preflight/facts/syntax.h"

namespace ecluse::preflight {

/// What stands for the environment in a file: process.env, and names that were given it.
class EnvNames {
 public:
  void add(std::string_view name) { names_.emplace(name); }
  bool is(std::string_view text) const {
    return text == "process.env" || text == "import.meta.env" || names_.contains(text);
  }
  /// `{...process.env, PORT: 1}`, too, and `dotenv.config().parsed`.
  bool within(std::string_view text) const {
    return text.find("process.env") != std::string_view::npos ||
           text.find(".parsed") != std::string_view::npos || is(text);
  }

 private:
  std::set<std::string, std::less<>> names_;
};

/// Adds to the reads of `out`. Of one file; `out` and `env` must outlive it.
class EnvSchemaReader {
 public:
  EnvSchemaReader(CodeFile& out, const EnvNames& env) : out_(out), env_(env) {}

  /// Every call and every object of the file, in any order.
  void call(const Syntax& node, const Scope& scope);
  void object(const Syntax& node, const Scope& scope);
  /// After the whole file: a schema may stand before or behind what it is asked for.
  void finish();

 private:
  void get(const Syntax& node, const std::string& callee, const Scope& scope);

  CodeFile& out_;
  const EnvNames& env_;
  std::map<std::string, std::vector<EnvRead>, std::less<>>
      schemas_;                               ///< by the name they are given
  std::set<std::string, std::less<>> asked_;  ///< names that process.env was held against
};

}  // namespace ecluse::preflight
