#include "gateway/state_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "gateway/testing.h"

namespace ecluse::gateway {

namespace {
GatewayState state_with(std::uint64_t sequence) {
  ports::Site site{.key = {"lettings", "prod"}, .hosts = {"a"}, .port = 8500, .sticky = true};
  site.arms.push_back({.release = 3,
                       .weight_ppm = 5,
                       .backends = {{.process = "web",
                                     .prefixes = {"/"},
                                     .targets = {{.instance = "i", .address = "::1", .port = 1}},
                                     .affinity = true,
                                     .websockets = {"/ws"}}}});
  GatewayState state;
  state.sites[site.key] = {
      site, {.term = 1, .rollout = "lettings/prod@1", .sequence = sequence}, false};
  state.latches = {{"lettings/prod@1", 3}};
  return state;
}
std::uint64_t sequence_in(const std::filesystem::path& file) {
  const auto loaded = load_state(file);
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
  return loaded->state.sites.at({"lettings", "prod"}).fence.sequence;
}
void damage(const std::filesystem::path& file) {
  std::fstream(file, std::ios::in | std::ios::out | std::ios::ate).seekp(60) << "?";
}
}  // namespace

TEST(StateText, ComesBackWhole) {
  const auto parsed = parse_state_text(state_text(state_with(7)));
  ASSERT_TRUE(parsed);
  const KnownSite& known = parsed->sites.at({"lettings", "prod"});
  EXPECT_EQ(known.site, state_with(7).sites.at({"lettings", "prod"}).site);
  EXPECT_EQ(known.fence, (ports::Fence{.term = 1, .rollout = "lettings/prod@1", .sequence = 7}));
  EXPECT_EQ(parsed->latches, state_with(7).latches);
}

TEST(StateText, IsRefusedWhenCutOrChanged) {
  const std::string text = state_text(state_with(7));
  for (std::size_t bytes = 0; bytes < text.size(); bytes += 7) {
    EXPECT_FALSE(parse_state_text(text.substr(0, bytes))) << bytes;
  }
  std::string changed = text;
  changed[text.size() / 2] ^= 1;
  EXPECT_FALSE(parse_state_text(changed));
}

TEST(StateFile, KeepsTheOneBefore) {
  const testing::TemporaryFolder folder;
  const auto file = folder.path() / "state";
  EXPECT_TRUE(load_state(file)->state.sites.empty());
  ASSERT_TRUE(save_state(file, state_text(state_with(1))));
  ASSERT_TRUE(save_state(file, state_text(state_with(2))));
  EXPECT_EQ(sequence_in(file), 2U);
  damage(file);
  const auto loaded = load_state(file);
  ASSERT_TRUE(loaded);
  EXPECT_NE(loaded->complaint, "");
  EXPECT_EQ(loaded->state.sites.at({"lettings", "prod"}).fence.sequence, 1U);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "state.damaged"));
  // The next state goes beside what was saved, never over it.
  ASSERT_TRUE(save_state(file, state_text(state_with(3))));
  EXPECT_EQ(sequence_in(file), 3U);
}

TEST(StateFile, ChangesNothingWhenBothAreDamaged) {
  const testing::TemporaryFolder folder;
  const auto file = folder.path() / "state";
  ASSERT_TRUE(save_state(file, state_text(state_with(1))));
  ASSERT_TRUE(save_state(file, state_text(state_with(2))));
  damage(file);
  damage(folder.path() / "state.prev");
  const auto loaded = load_state(file);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(std::filesystem::exists(file));
}

}  // namespace ecluse::gateway
