# tests/e2e: verdicts on the real program under load
add_test(NAME "e2e: judge"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/e2e/judge_test.py $<TARGET_FILE:ecluse>)
set_tests_properties("e2e: judge" PROPERTIES TIMEOUT 900 RUN_SERIAL TRUE)
