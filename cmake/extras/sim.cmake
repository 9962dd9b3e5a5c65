# sim: twins of every port, and the simulator on them; the real control code
file(GLOB twin_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sim/twins/*.cc)
list(FILTER twin_sources EXCLUDE REGEX "_test\\.cc$")
add_library(ecluse_twins STATIC ${twin_sources})
target_include_directories(ecluse_twins PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(ecluse_twins PUBLIC ecluse_control PRIVATE ecluse_flavour)
file(GLOB sim_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sim/*.cc)
set(sim_tests ${sim_sources})
list(FILTER sim_tests INCLUDE REGEX "_test\\.cc$")
list(FILTER sim_sources EXCLUDE REGEX "_test\\.cc$|_main\\.cc$")
add_library(ecluse_sim STATIC ${sim_sources})
target_link_libraries(ecluse_sim PUBLIC ecluse_twins ecluse::third::json PRIVATE ecluse_flavour)
add_executable(test_ecluse_sim ${sim_tests})
target_link_libraries(test_ecluse_sim PRIVATE ecluse_sim ecluse_flavour ecluse::third::gtest)
target_compile_definitions(test_ecluse_sim PRIVATE ECLUSE_SOURCE="${CMAKE_SOURCE_DIR}")
ecluse_tests(test_ecluse_sim "sim" PROPERTIES TIMEOUT 300)
add_executable(ecluse-sim sim/sim_main.cc)
target_link_libraries(ecluse-sim PRIVATE ecluse_sim ecluse_flavour ecluse::third::cli11)
# A few of the mistakes that `./run sim --mutants` seeds, linked into this build's simulator.
add_test(NAME "sim: seeded mistakes"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/mutants.py --built ${CMAKE_BINARY_DIR}
                 --rollouts 200 abort-not-latched commit-not-awaited deadline-of-gate-dropped
                 gate-skipped not-issued-again readiness-ignored)
set_tests_properties("sim: seeded mistakes" PROPERTIES TIMEOUT 900)
