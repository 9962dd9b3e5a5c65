# tests/e2e: verdicts on the real program under load
foreach(story judge judge_faults)
  string(REPLACE "_" " " name ${story})
  add_test(NAME "e2e: ${name}"
           COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/e2e/${story}_test.py $<TARGET_FILE:ecluse>)
  set_tests_properties("e2e: ${name}" PROPERTIES TIMEOUT 900 RUN_SERIAL TRUE)
endforeach()
