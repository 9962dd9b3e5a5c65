# tests/e2e: what only a machine of its own can show
add_test(NAME "e2e: setup starts nothing"
         COMMAND ${CMAKE_SOURCE_DIR}/tests/e2e/setup_starts_nothing.sh)
set_tests_properties("e2e: setup starts nothing" PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77)

# tests/e2e: the real program
add_test(NAME "e2e: deploy"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/e2e/deploy_test.py $<TARGET_FILE:ecluse>)
set_tests_properties("e2e: deploy" PROPERTIES TIMEOUT 900 RUN_SERIAL TRUE)
