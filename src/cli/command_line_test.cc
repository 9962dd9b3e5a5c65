// The command line on the in-memory twin of the daemon: what is printed, and with which exit code.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "api/fake_operations.h"
#include "api/json.h"
#include "cli/completion.h"
#include "cli/manual.h"
#include "cli/verb.h"
#include "os/file.h"
#include "os/subprocess.h"

namespace ecluse::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::StartsWith;

constexpr std::size_t kGoldenBytesMax = 1 << 20;
const model::EnvironmentKey kProd{"lettings", "prod"};

/// Compares with tests/golden/cli/NAME; ECLUSE_ACCEPT=1 writes it anew.
void expect_golden(const std::string& name, const std::string& text) {
  const auto file = std::filesystem::path(ECLUSE_SOURCE) / "tests/golden/cli" / name;
  if (std::getenv("ECLUSE_ACCEPT") != nullptr) {
    ASSERT_TRUE(os::make_folder(file.parent_path()));
    ASSERT_TRUE(os::replace_file(file, text));
  }
  const auto golden = os::read_file(file, kGoldenBytesMax);
  ASSERT_TRUE(golden) << golden.error().message << "; ECLUSE_ACCEPT=1 writes it";
  EXPECT_EQ(text, *golden) << "in " << name << "; ECLUSE_ACCEPT=1 accepts it";
}

class CommandLine : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ecl-cli-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    fake_.state.with([](auto& s) { s.events_come_later = false; });
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  int run(const std::vector<std::string>& words) {
    in_.str(typed_);
    in_.clear();
    out_.str("");
    err_.str("");
    Session session{.terminal = {.in = in_, .out = out_, .err = err_, .in_is_tty = in_is_tty_},
                    .folder = folder_,
                    .environment = {{"ECLUSE_RUN", "/r"}, {"ECLUSE_DATA", "/d"}},
                    .connect =
                        [this](const std::filesystem::path& socket) {
                          socket_ = socket;
                          return Daemon{std::shared_ptr<control::Operations>(&fake_, [](auto*) {}),
                                        [this] { return away_; },
                                        []() -> Result<api::Pong> { return api::Pong{}; }};
                        },
                    .roles = {}};
    return run_command_line(session, words);
  }
  std::vector<std::string> calls() {
    return fake_.state.with([](auto& s) { return std::exchange(s.calls, {}); });
  }
  void write_project(const std::string& text) {
    ASSERT_TRUE(os::replace_file(folder_ / "ecluse.yml", text));
  }
  void set_ticket(const std::string& rollout, const std::string& note = "") {
    fake_.state.with([&](auto& s) { s.ticket = {rollout, note}; });
  }
  void set_rollout(std::vector<control::RolloutView> views) {
    fake_.state.with([&](auto& s) { s.rollouts["lettings/prod@12"] = std::move(views); });
  }

  std::filesystem::path folder_;
  api::FakeOperations fake_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::string typed_;
  bool in_is_tty_ = false;
  bool away_ = false;
  std::filesystem::path socket_;
};

control::RolloutView rollout_at(const std::string& phase) {
  control::RolloutView view;
  view.id = "lettings/prod@12";
  view.environment = kProd;
  view.kind = "deploy";
  view.release = 7;
  view.from_release = 6;
  view.commit = "1a2b3c4d5e6f";
  view.actor = "alice (uid 1000)";
  view.phase = phase;
  view.started_at = WallTime{1'700'000'000'000};
  return view;
}

control::RolloutView building() {
  auto view = rollout_at("starting");
  view.stages = {
      {"build", control::StageState::kDone, Duration(1500), "reused sha256:ab12"},
      {"starting", control::StageState::kRunning, std::nullopt, "1 of 2 instances ready"},
      {"shifting", control::StageState::kPending, std::nullopt, ""}};
  return view;
}

control::RolloutView serving() {
  auto view = building();
  view.phase = "baking";
  view.serving = true;
  view.stages[1] = {"starting", control::StageState::kDone, Duration(2100),
                    "2 of 2 instances ready"};
  view.stages[2] = {"shifting", control::StageState::kDone, Duration(12), ""};
  return view;
}

control::RolloutView failed() {
  auto view = building();
  view.outcome = control::Outcome::kAborted;
  view.reason = "instance lettings-prod-7-web-1 was not ready within 40s";
  view.stages[1].state = control::StageState::kFailed;
  view.evidence = control::FailureEvidence{
      "lettings-prod-7-web-1",
      {{"ready GET /health/", false, 0, "connection refused", WallTime{1'700'000'001'000}},
       {"ready GET /health/", false, 400, "DisallowedHost at /health/",
        WallTime{1'700'000'002'000}}},
      137,
      {"Booting worker with pid: 7", "Listening at: http://127.0.0.1:9000"},
      {{"127.0.0.1", 9000}},
      "it listens on port 9000, ecluse expected 8000",
      "set `port: 9000` for process web in ecluse.yml"};
  return view;
}

control::EnvironmentView prod_view() {
  control::EnvironmentView view;
  view.key = kProd;
  view.stable = 7;
  view.commit = "1a2b3c4d5e6f";
  view.mode = "serving";
  view.hosts = {"lettings.localhost"};
  view.instances.resize(2);
  view.instances[0] = {{.id = "lettings-prod-7-web-1",
                        .state = ports::InstanceState::kRunning,
                        .address = "10.83.0.2",
                        .port = 8000,
                        .starts = 1},
                       7,
                       "web",
                       true,
                       ports::Usage{52'000'000, 512 << 20, 1.25, 4}};
  view.instances[1] = {{.id = "lettings-prod-7-web-2",
                        .state = ports::InstanceState::kCrashLooping,
                        .address = "10.83.0.3",
                        .port = 8000,
                        .starts = 6,
                        .last_exit = 3},
                       7,
                       "web",
                       false,
                       std::nullopt};
  view.latencies[7] = {.over = Duration(300'000), .answers = 120, .p50_ms = 12.4, .p95_ms = 80.2};
  view.services = {{"db", model::ServiceKind::kPostgres, "15", false, false, "refused", 100}};
  view.rollout = serving();
  return view;
}

TEST_F(CommandLine, ShowsWhatIsWhereAndWhatIsWrong) {
  fake_.state.with([](auto& s) { s.environments["lettings/prod"] = prod_view(); });
  EXPECT_EQ(run({"status", "--instances"}), kDone);
  expect_golden("status.txt", out_.str());
  EXPECT_EQ(socket_, "/r/ecluse.sock");
}

TEST_F(CommandLine, StatusAsJsonIsTheApisAnswer) {
  fake_.state.with([](auto& s) { s.environments["lettings/prod"] = prod_view(); });
  EXPECT_EQ(run({"status", "--json"}), kDone);
  const auto views = api::from_json_text<std::vector<control::EnvironmentView>>(
      out_.str(), api::UnknownFields::kRefuse);
  ASSERT_TRUE(views) << views.error().message;
  EXPECT_EQ(views->at(0).instances.at(1).status.last_exit, 3);
}

TEST_F(CommandLine, ADeployPrintsPlainLinesUntilTheReleaseServes) {
  set_ticket("lettings/prod@12");
  set_rollout({building(), building(), serving()});
  EXPECT_EQ(run({"deploy", "v2", "--repository", "/srv/lettings", "--to", "prod"}), kDone);
  expect_golden("deploy.txt", out_.str());
  EXPECT_EQ(calls().front(), "deploy /srv/lettings v2 to prod by ");
}

TEST_F(CommandLine, AFailedStartPrintsEverythingThatIsKnown) {
  set_ticket("lettings/prod@12");
  set_rollout({failed()});
  EXPECT_EQ(run({"deploy", "--repository", "/srv/lettings"}), kFailed);
  expect_golden("deploy_failed.txt", err_.str());
}

TEST_F(CommandLine, ADeployAsJsonIsOneDocument) {
  set_ticket("lettings/prod@12");
  set_rollout({building(), failed()});
  EXPECT_EQ(run({"deploy", "--repository", "/srv/lettings", "--json"}), kFailed);
  const auto view =
      api::from_json_text<control::RolloutView>(out_.str(), api::UnknownFields::kRefuse);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->evidence->exit_code, 137);
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(CommandLine, AGateEndsTheWaitWithItsOwnCodeAndSaysWhatToDo) {
  auto gated = rollout_at("gated");
  gated.waiting_for = "approval by admins: ecluse approve lettings/prod@12";
  set_ticket("lettings/prod@12");
  set_rollout({gated});
  EXPECT_EQ(run({"promote", "lettings/prod", "--confirm", "GO"}), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("ecluse approve lettings/prod@12"));
  EXPECT_THAT(calls(), testing::Contains("promote lettings/prod by  [GO]"));
}

TEST_F(CommandLine, CtrlCDetachesAndSaysHowToFollow) {
  set_rollout({building()});
  std::jthread person([this] {
    const auto watched = [](const auto& s) {
      return std::find(s.calls.begin(), s.calls.end(), "await_events") != s.calls.end();
    };
    while (!fake_.state.with(watched)) std::this_thread::yield();
    kill(getpid(), SIGINT);
  });
  EXPECT_EQ(run({"rollout", "lettings/prod@12", "--watch"}), kDetached);
  EXPECT_THAT(err_.str(), HasSubstr("ecluse abort lettings/prod"));
}

TEST_F(CommandLine, AnApprovalThatIsAskedForInTheQueueIsAGateToo) {
  auto queued = rollout_at("queued");
  queued.waiting_for = "approval by admins: ecluse approve lettings/prod@12";
  set_rollout({queued});
  fake_.state.with([](auto& s) {
    s.environments["lettings/prod"] = prod_view();
    s.environments["lettings/prod"].queued = {"lettings/prod@12"};
  });
  EXPECT_EQ(run({"approve", "lettings/prod", "--detach"}), kDone) << err_.str();
  EXPECT_THAT(calls(), testing::Contains("approve lettings/prod@12 lettings/prod by  []"));
  set_ticket("lettings/prod@12");
  EXPECT_EQ(run({"promote", "lettings/prod"}), kRefused);
}

TEST_F(CommandLine, NothingToDoIsDoneWithItsNote) {
  set_ticket("", "release 7 already serves lettings/prod: nothing to do");
  EXPECT_EQ(run({"deploy", "--repository", "/srv/lettings"}), kDone);
  EXPECT_EQ(out_.str(), "release 7 already serves lettings/prod: nothing to do\n");
}

TEST_F(CommandLine, ADaemonThatIsAwayIsFive) {
  away_ = true;
  fake_.state.with([](auto& s) {
    s.refuse = Error{ErrorKind::kUnavailable, "cannot reach the daemon", "ecluse up --detach"};
  });
  EXPECT_EQ(run({"status"}), kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("next: ecluse up --detach"));
}

TEST_F(CommandLine, WhatNobodyForesawIsAnErrorLikeAnyOther) {
  fake_.state.with([](auto& s) { s.deploy_throws = true; });
  EXPECT_EQ(run({"deploy", "--repository", "/srv/lettings"}), kFailed);
  EXPECT_THAT(err_.str(), testing::StartsWith("error: ecluse did not foresee this"));
}

TEST_F(CommandLine, AnUnknownVerbIsToldInJsonToo) {
  EXPECT_EQ(run({"depoly", "--json"}), kUsage);
  EXPECT_THAT(out_.str(), testing::StartsWith("{\"error\":"));
}

TEST_F(CommandLine, RefusalsAreThreeAndOtherErrorsOne) {
  for (const auto& [kind, code] :
       {std::pair(ErrorKind::kRefused, kRefused), std::pair(ErrorKind::kConflict, kFailed),
        std::pair(ErrorKind::kNotFound, kFailed)}) {
    const Error refusal{kind, "no", "do this"};
    fake_.state.with([&](auto& s) { s.refuse = refusal; });
    EXPECT_EQ(run({"abort", "--to", "lettings/prod"}), code);
    EXPECT_EQ(run({"abort", "--to", "lettings/prod", "--json"}), code);
    EXPECT_EQ(api::error_from_json(out_.str())->hint, "do this");
  }
}

TEST_F(CommandLine, ATypoNamesTheNearestVerbAndOption) {
  EXPECT_EQ(run({"deplyo"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean `ecluse deploy`?"));
  EXPECT_EQ(run({"status", "--jsn"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean --json?"));
  EXPECT_EQ(run({}), kUsage);
  EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(CommandLine, EveryVerbHasHelp) {
  for (const auto& verb : verbs()) {
    EXPECT_EQ(run({verb.name, "--help"}), kDone) << verb.name;
    EXPECT_THAT(out_.str(), HasSubstr("Usage: ecluse " + verb.name));
    EXPECT_EQ(run({"help", verb.name}), kDone) << verb.name;
  }
  EXPECT_EQ(run({"--help"}), kDone);
  expect_golden("help.txt", out_.str());
  EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(CommandLine, ReadsTheAppFromTheFileAround) {
  write_project(
      "app: lettings\nprocesses:\n  web: {command: serve}\nenvironments:\n"
      "  prod: {hosts: [a.localhost]}\n");
  ASSERT_TRUE(os::make_folder(folder_ / "deep/er"));
  folder_ = folder_ / "deep/er";
  EXPECT_EQ(run({"pause", "--reason", "lunch"}), kDone) << err_.str();
  folder_ = folder_.parent_path().parent_path();
  EXPECT_THAT(calls(), ElementsAre("pause lettings/prod by : lunch"));
}

TEST_F(CommandLine, SeveralEnvironmentsWantAName) {
  write_project(
      "app: lettings\nprocesses:\n  web: {command: serve}\nenvironments:\n"
      "  preprod: {hosts: [b.localhost]}\n  prod: {hosts: [a.localhost]}\n");
  EXPECT_EQ(run({"resume"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("preprod, prod"));
  EXPECT_EQ(run({"resume", "-e", "preprod"}), kDone);
}

TEST_F(CommandLine, WithoutAFileItSaysHowToNameTheApp) {
  EXPECT_EQ(run({"resume", "--to", "prod"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("--app APP"));
}

TEST_F(CommandLine, AWrongFileIsShownWithItsLine) {
  write_project("app: lettings\nproceses: {}\n");
  EXPECT_EQ(run({"deploy"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("ecluse.yml:2:1"));
}

TEST_F(CommandLine, RunPassesTheCommandThroughUntouchedAndItsExitCodeBack) {
  fake_.state.with([](auto& s) {
    s.run_lines = {"one", "two"};
    s.run_exit_code = 42;
  });
  EXPECT_EQ(run({"run", "--app", "lettings", "--to", "prod", "--", "ls", "--json", "a b"}), 42);
  EXPECT_EQ(out_.str(), "one\ntwo\n");
  EXPECT_THAT(calls(), ElementsAre("run lettings/prod by  'ls' '--json' 'a b'"));
  EXPECT_EQ(run({"run", "--to", "lettings/prod"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("two dashes"));
}

TEST_F(CommandLine, AMoveSaysWhatDoesNotFitAndWhatToDo) {
  fake_.state.with([](auto& s) {
    s.move = {.misfits = {{"shop_item", "id=3", "name", "7 characters are too many", "shorten it"}},
              .misfits_total = 4,
              .notes = {"the target is in use"}};
  });
  const std::vector<std::string> move = {"db", "move", "--to", "lettings/prod", "--from", "a/b.db"};
  EXPECT_EQ(run(move), kRefused);
  EXPECT_THAT(calls(),
              ElementsAre("move_database lettings/prod by  from " + (folder_ / "a/b.db").string()));
  EXPECT_THAT(out_.str(), HasSubstr("shop_item.name (id=3): 7 characters are too many\n"
                                    "  fix: shorten it\nand 3 more\n"));
}

TEST_F(CommandLine, AMoveThatReplacesAsksFirstUnlessItIsARehearsal) {
  std::vector<std::string> move = {
      "db", "move", "--to", "lettings/prod", "--from", "/s.db", "--replace", "--without", "old"};
  EXPECT_EQ(run(move), kRefused);
  EXPECT_THAT(calls(), IsEmpty());
  move.push_back("--dry-run");
  EXPECT_EQ(run(move), kDone);
  move.back() = "--yes";
  EXPECT_EQ(run(move), kDone);
  EXPECT_THAT(calls(),
              ElementsAre("move_database lettings/prod by  from /s.db dry_run replace without old",
                          "move_database lettings/prod by  from /s.db replace without old"));
  EXPECT_EQ(run({"db", "copy"}), kUsage);
  EXPECT_EQ(run({"db", "move", "--to", "lettings/prod"}), kUsage);
}

TEST_F(CommandLine, ASecretComesFromStdinAndIsNeverAnArgument) {
  typed_ = "s3cret value\n";
  EXPECT_EQ(run({"secret", "set", "SECRET_KEY", "--to", "lettings/prod"}), kDone);
  EXPECT_THAT(calls(), ElementsAre("secret_set SECRET_KEY (12 bytes) lettings/prod by "));
  EXPECT_THAT(out_.str(), Not(HasSubstr("s3cret")));
  EXPECT_EQ(run({"secret", "set", "SECRET_KEY", "value", "--to", "lettings/prod"}), kUsage);
  typed_ = "";
  EXPECT_EQ(run({"secret", "set", "SECRET_KEY", "--to", "lettings/prod"}), kUsage);
  EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(CommandLine, WhatDestroysAsksOrWantsYes) {
  EXPECT_EQ(run({"stop", "--to", "lettings/prod"}), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("--yes"));
  in_is_tty_ = true;
  typed_ = "n\n";
  EXPECT_EQ(run({"stop", "--to", "lettings/prod"}), kRefused);
  EXPECT_THAT(calls(), IsEmpty());
  typed_ = "y\n";
  EXPECT_EQ(run({"stop", "--to", "lettings/prod", "--detach"}), kDone);
  EXPECT_EQ(run({"stop", "--to", "lettings/prod", "--detach", "--yes"}), kDone);
  EXPECT_THAT(calls(), ElementsAre("stop lettings/prod by ", "stop lettings/prod by "));
}

TEST_F(CommandLine, RemoveStopsWhatStillRuns) {
  EXPECT_EQ(run({"remove", "--to", "lettings/prod"}), kRefused);
  EXPECT_EQ(run({"remove", "--to", "lettings/prod", "--yes"}), kFailed) << "there is no such thing";
  fake_.state.with([](auto& s) {
    auto view = prod_view();
    view.rollout.reset();
    s.environments["lettings/prod"] = view;
  });
  EXPECT_EQ(run({"remove", "--to", "lettings/prod", "--yes"}), kDone);
  EXPECT_THAT(calls(), IsSupersetOf({"stop lettings/prod by ", "remove lettings/prod by "}));
  EXPECT_THAT(out_.str(), HasSubstr("lettings/prod is removed"));
}

TEST_F(CommandLine, ScaleTakesProcessesAndNumbers) {
  EXPECT_EQ(run({"scale", "web=3", "worker=0", "--to", "lettings/prod", "-d"}), kDone);
  EXPECT_THAT(calls(), ElementsAre("scale lettings/prod by  web=3 worker=0"));
  for (const auto* const bad : {"web", "=3", "web=", "web=-1", "web=3x", "web=99999999999"}) {
    EXPECT_EQ(run({"scale", bad, "--to", "lettings/prod"}), kUsage) << bad;
  }
  EXPECT_EQ(run({"scale", "web=1", "web=2", "--to", "lettings/prod"}), kUsage);
  EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(CommandLine, RollbackCheckSaysYesOrNoByItsCode) {
  fake_.state.with([](auto& s) {
    s.check = {true, true, 6, {"artifact is complete"}, {}, {"migrate"}, "a pointer swap"};
  });
  EXPECT_EQ(run({"rollback", "6", "--check", "--to", "lettings/prod"}), kDone);
  expect_golden("rollback_check.txt", out_.str());
  fake_.state.with([](auto& s) { s.check.possible = false; });
  EXPECT_EQ(run({"rollback", "--check", "--to", "lettings/prod", "--json"}), kRefused);
  EXPECT_EQ(run({"rollback", "six", "--to", "lettings/prod"}), kUsage);
}

TEST_F(CommandLine, LogsNameTheirSourceWhenThereAreSeveral) {
  fake_.state.with([](auto& s) {
    s.environments["lettings/prod"] = prod_view();
    s.logs["lettings-prod-7-web-1"] = "one\ntwo";
    s.logs["lettings-prod-7-web-2"] = "three\n";
    s.logs["lettings/prod@12 build"] = "compiling\n";
  });
  EXPECT_EQ(run({"logs", "lettings/prod"}), kDone);
  EXPECT_EQ(out_.str(),
            "lettings-prod-7-web-1 | one\nlettings-prod-7-web-2 | three\n"
            "lettings-prod-7-web-1 | two\n");
  EXPECT_EQ(run({"logs", "lettings/prod", "--instance", "2"}), kDone);
  EXPECT_EQ(out_.str(), "three\n");
  EXPECT_EQ(run({"logs", "--rollout", "lettings/prod@12", "--stage", "build"}), kDone);
  EXPECT_EQ(out_.str(), "compiling\n");
  EXPECT_EQ(run({"logs", "lettings/prod", "-p", "nothing"}), kFailed);
}

TEST_F(CommandLine, EventsAreOnePerLine) {
  fake_.state.with([](auto& s) {
    s.events = {{1, time_at(0), WallTime{1'700'000'000'000}, "lettings/prod", "rollout.started",
                 "alice (uid 1000)", R"({"release":7})"}};
  });
  EXPECT_EQ(run({"events", "--app", "lettings"}), kDone);
  expect_golden("events.txt", out_.str());
  EXPECT_EQ(run({"events", "--app", "other", "--json"}), kDone);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CommandLine, ReleasesSayWhichOnesCanBeRolledBackTo) {
  fake_.state.with([](auto& s) {
    s.releases.resize(2);
    s.releases[0].release.key = {kProd, 7};
    s.releases[0].release.commit = {"1a2b3c4d5e6f", "alice", "Say \"hello\" `now` $(please)", {}};
    s.releases[0].stable = true;
    s.releases[1].release.key = {kProd, 6};
    s.releases[1].retained = true;
  });
  EXPECT_EQ(run({"releases", "--to", "lettings/prod"}), kDone);
  expect_golden("releases.txt", out_.str());
}

TEST_F(CommandLine, ExplainAndSchemaNeedNoDaemon) {
  away_ = true;
  write_project(
      "app: lettings\nprocesses:\n  web: {command: serve}\nenvironments:\n"
      "  prod: {hosts: [a.localhost]}\n");
  EXPECT_EQ(run({"explain"}), kDone) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("a.localhost"));
  EXPECT_EQ(run({"explain", "--json"}), kDone);
  EXPECT_THAT(out_.str(), StartsWith("{\"app\":\"lettings\""));
  EXPECT_EQ(run({"schema"}), kDone);
  EXPECT_THAT(out_.str(), HasSubstr("$schema"));
  EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(CommandLine, WithoutATerminalThereIsNoEscapeSequence) {
  fake_.state.with([](auto& s) { s.environments["lettings/prod"] = prod_view(); });
  set_ticket("lettings/prod@12");
  set_rollout({failed()});
  EXPECT_EQ(run({"status"}), kDone);
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(run({"deploy", "--repository", "/srv/lettings"}), kFailed);
  EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("\x1b")));
}

TEST(Completion, ParsesInItsShellAndOffersVerbsAndOptions) {
  const auto script = bash_completion() + R"(
COMP_WORDS=(ecluse dep); COMP_CWORD=1; _ecluse; echo "${COMPREPLY[@]}"
COMP_WORDS=(ecluse rollback --ch); COMP_CWORD=2; _ecluse; echo "${COMPREPLY[@]}"
COMP_WORDS=(ecluse maintenance o); COMP_CWORD=2; _ecluse; echo "${COMPREPLY[@]}"
)";
  const auto out = os::output_of({.argv = {"bash", "-euo", "pipefail"}, .input = script});
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(*out, "deploy\n--check\non off\n");
  for (const auto& verb : verbs()) {
    EXPECT_THAT(zsh_completion(), HasSubstr("'" + verb.name + ":"));
    EXPECT_THAT(fish_completion(), HasSubstr("-a " + verb.name + " "));
  }
}

TEST(Manual, IsWhatTheDocumentSays) {
  const auto file = std::filesystem::path(ECLUSE_SOURCE) / "docs/command-line.md";
  const std::string mark = "<!-- From here on written by the test of cli/manual.cc -->\n";
  auto text = os::read_file(file, kGoldenBytesMax);
  ASSERT_TRUE(text) << text.error().message;
  const auto at = text->find(mark);
  ASSERT_NE(at, std::string::npos);
  const auto wanted = text->substr(0, at + mark.size()) + manual();
  if (std::getenv("ECLUSE_ACCEPT") != nullptr) {
    ASSERT_TRUE(os::replace_file(file, wanted));
  }
  EXPECT_EQ(os::read_file(file, kGoldenBytesMax).value(), wanted) << "ECLUSE_ACCEPT=1 writes it";
}

}  // namespace
}  // namespace ecluse::cli
