#include "memory_store.h"

#include "ports/store_conformance.h"

namespace ecluse::sim {

using ports::StoreConformance;

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
                         testing::Values([] { return std::make_unique<MemoryStore>(); }));

TEST(MemoryStore, AFaultChangesNothingAndPasses) {
  MemoryStore store;
  store.set_fault(Error{ErrorKind::kExhausted, "the disk is full", {}});
  EXPECT_EQ(store.commit({.put = {{"k", "1"}}}).error().kind, ErrorKind::kExhausted);
  EXPECT_EQ(store.get("k").value(), std::nullopt);
  store.set_fault(std::nullopt);
  EXPECT_TRUE(store.commit({.put = {{"k", "1"}}}));
}

}  // namespace ecluse::sim
