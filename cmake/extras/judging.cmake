# The judge at work on the twin of the gateway's outcomes, and the twin against its port's suite.
add_executable(test_judging ${CMAKE_SOURCE_DIR}/sim/twins/outcomes_test.cc
  ${CMAKE_SOURCE_DIR}/sim/twins/judging_test.cc)
target_link_libraries(test_judging PRIVATE ecluse_twins ecluse_flavour ecluse::third::gtest
                                           ecluse::third::json)
gtest_discover_tests(test_judging TEST_PREFIX "judging: " DISCOVERY_TIMEOUT 60)

# tests/e2e: verdicts on the real program under load
add_test(NAME "e2e: judge"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/e2e/judge_test.py $<TARGET_FILE:ecluse>)
set_tests_properties("e2e: judge" PROPERTIES TIMEOUT 900 RUN_SERIAL TRUE)
