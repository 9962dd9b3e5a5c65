# sim/twins: each twin against the suite its port demands
file(GLOB twin_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sim/twins/*_test.cc)
add_executable(test_twins ${twin_tests})
target_link_libraries(test_twins PRIVATE ecluse_twins ecluse_flavour ecluse::third::gtest)
ecluse_tests(test_twins "twins")
