#include "preflight/facts/env_schema.h"

#include <gtest/gtest.h>

#include "preflight/facts/javascript.h"
#include "preflight/facts/python.h"

namespace ecluse::preflight {
namespace {

using Names = std::vector<std::string>;

Names names_of(const std::vector<EnvRead>& reads) {
  Names names;
  for (const auto& each : reads) names.push_back(each.name);
  return names;
}

Names demanded(const std::vector<EnvRead>& reads) {
  Names names;
  for (const auto& each : reads)
    if (each.required) names.push_back(each.name);
  return names;
}

std::vector<EnvRead> reads_of(const std::string& source) {
  return read_javascript("src/env.ts", source).reads;
}

/// What `source` reads, with `caller` in a file beside it.
std::vector<EnvRead> reads_through(const std::string& source, const std::string& caller) {
  std::vector<CodeFile> files = {read_javascript("env.js", source),
                                 read_javascript("server.js", caller)};
  follow_readers(files);
  return files[1].reads;
}

TEST(EnvSchema, DemandsTheFieldsOfZodThatAreNotOptionalAndHaveNoDefault) {
  const auto reads = reads_of(
      "const schema = z.object({\n  PORT: z.coerce.number().default(3000),\n"
      "  DATABASE_URL: z.string().url(),\n  SENTRY_DSN: z.string().optional(),\n});\n"
      "export const env = schema.parse(process.env);\n");
  EXPECT_EQ(names_of(reads), (Names{"PORT", "DATABASE_URL", "SENTRY_DSN"}));
  EXPECT_EQ(demanded(reads), Names{"DATABASE_URL"});
  EXPECT_EQ(reads[0].fallback->text, "3000");
  EXPECT_EQ(reads[1].place.line, 3);
}

TEST(EnvSchema, IsNoneWhereSomethingElseIsHeldAgainstIt) {
  const std::string schema = "const body = z.object({USER_ID: z.string()});\n";
  EXPECT_TRUE(reads_of(schema + "body.parse(req.body);\n").empty());
  EXPECT_TRUE(reads_of(schema + "const x = other.parse(process.env);\n").empty());
}

TEST(EnvSchema, IsFoundWhereItStandsInTheCall) {
  EXPECT_EQ(names_of(reads_of("export default z.object({API_URL: z.string()}).parse(process.env)")),
            Names{"API_URL"});
  EXPECT_EQ(names_of(reads_of("const env = parse(v.object({API_URL: v.string()}), process.env)")),
            Names{"API_URL"});
}

TEST(EnvSchema, DemandsOfJoiWhatIsCalledRequired) {
  const auto reads = reads_of(
      "const s = Joi.object().keys({JWT_SECRET: Joi.string().required(), LOG: Joi.string(),\n"
      "  PORT: Joi.number().default(8080)}).unknown();\n"
      "const {value} = s.prefs({}).validate(process.env);\n");
  EXPECT_EQ(names_of(reads), (Names{"JWT_SECRET", "LOG", "PORT"}));
  EXPECT_EQ(demanded(reads), Names{"JWT_SECRET"});
}

TEST(EnvSchema, ReadsWhatCleanEnvIsGiven) {
  const auto reads = reads_of(
      "const env = cleanEnv(process.env, {PORT: port({default: 3000}), API_KEY: str()});\n");
  EXPECT_EQ(names_of(reads), (Names{"PORT", "API_KEY"}));
  EXPECT_EQ(demanded(reads), Names{"API_KEY"});
}

TEST(EnvSchema, ReadsTheGroupsOfCreateEnv) {
  const auto reads = reads_of(
      "export const env = createEnv({server: {DATABASE_URL: z.string().url()},\n"
      "  client: {NEXT_PUBLIC_NAME: z.string().default('x')}, experimental__runtimeEnv: {}});\n");
  EXPECT_EQ(names_of(reads), (Names{"DATABASE_URL", "NEXT_PUBLIC_NAME"}));
  EXPECT_EQ(demanded(reads), Names{"DATABASE_URL"});
}

TEST(EnvSchema, ReadsNestsSchemaAndService) {
  EXPECT_EQ(demanded(reads_of("ConfigModule.forRoot({validationSchema: Joi.object({\n"
                              "  DB_HOST: Joi.string().required()})});\n")),
            Names{"DB_HOST"});
  const std::string import = "import {ConfigService} from '@nestjs/config';\n";
  const auto reads = reads_of(import +
                              "a(config.getOrThrow<string>('DB_NAME'));\n"
                              "b(config.get('DB_PORT', 5432));\nc(map.get('plain'));\n");
  EXPECT_EQ(names_of(reads), (Names{"DB_NAME", "DB_PORT"}));
  EXPECT_EQ(demanded(reads), Names{"DB_NAME"});
}

TEST(EnvSchema, FollowsTheChainOfEnvVar) {
  const auto reads = reads_of(
      "const env = require('env-var');\nconst a = env.get('REDIS_URL').required().asString();\n"
      "const b = env.get('PORT').default('3000').required().asPortNumber();\n");
  EXPECT_EQ(demanded(reads), Names{"REDIS_URL"});
  EXPECT_EQ(reads[1].fallback->text, "3000");
}

TEST(EnvSchema, SeesWhatANameStandsFor) {
  EXPECT_EQ(names_of(reads_of("const env = process.env;\nf(env.API_KEY, env.length);\n")),
            Names{"API_KEY"});
  EXPECT_EQ(names_of(reads_of("const {env} = process;\nf(env.API_KEY);\n")), Names{"API_KEY"});
  EXPECT_EQ(names_of(reads_of("import {env} from 'node:process';\nf(env.API_KEY);\n")),
            Names{"API_KEY"});
  EXPECT_EQ(names_of(reads_of("const c = {...process.env, A: 1};\nf(c.API_KEY);\n")),
            Names{"API_KEY"});
  EXPECT_EQ(names_of(reads_of("const {env: {API_KEY, ...rest}} = process;\n")), Names{"API_KEY"});
}

TEST(EnvReaders, AreFunctionsThatReadTheVariableTheirArgumentNames) {
  const auto reads =
      reads_through("export const env = (key, other) => process.env[key] ?? other;\n",
                    "listen(env('PORT', 3000));\nuse(env('API_URL'));\n");
  EXPECT_EQ(names_of(reads), (Names{"PORT", "API_URL"}));
  EXPECT_EQ(reads[0].fallback->text, "3000");
  EXPECT_TRUE(demanded(reads).empty());
}

TEST(EnvReaders, DemandWhatTheyThrowFor) {
  const auto reads = reads_through(
      "function must(key) {\n  const value = process.env[key];\n"
      "  if (!value) throw new Error(key);\n  return value;\n}\n",
      "connect(must('DATABASE_URL'));\nmust(name);\n");
  EXPECT_EQ(demanded(reads), Names{"DATABASE_URL"});
}

TEST(EnvReaders, AreNotMistakenForEveryMapsGet) {
  EXPECT_TRUE(reads_through("class Env { get(key) { return process.env[key]; } }\n",
                            "headers.get('X_TOKEN');\n")
                  .empty());
}

TEST(EnvReaders, AreOfOneLanguage) {
  std::vector<CodeFile> files = {
      read_javascript("env.js", "const env = (key) => process.env[key];\n"),
      read_python("settings.py", "SECRET_KEY = env('SECRET_KEY')\n")};
  files[1].reads.clear();  // what Python finds by itself
  follow_readers(files);
  EXPECT_TRUE(files[1].reads.empty());
}

}  // namespace
}  // namespace ecluse::preflight
