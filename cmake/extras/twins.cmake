# sim/twins: each twin against the suite its port demands
add_executable(test_twins ${CMAKE_SOURCE_DIR}/sim/twins/memory_store_test.cc)
target_link_libraries(test_twins PRIVATE ecluse_ports ecluse_flavour ecluse::third::gtest)
gtest_discover_tests(test_twins TEST_PREFIX "twins: " DISCOVERY_TIMEOUT 60)
