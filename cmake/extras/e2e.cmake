# tests/e2e: the real program, on the real machine. Those that need a machine of their own are serial.
function(ecluse_e2e name)
  add_test(NAME "e2e: ${name}"
           COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/e2e/${name}_test.py $<TARGET_FILE:ecluse>)
  set_tests_properties("e2e: ${name}" PROPERTIES TIMEOUT 900 RUN_SERIAL TRUE SKIP_RETURN_CODE 77)
endfunction()
foreach(name backup bad_input database db_move deploy docker fix full_disk gate init metrics started static unprivileged)
  ecluse_e2e(${name})
endforeach()

add_test(NAME "e2e: setup starts nothing"
         COMMAND ${CMAKE_SOURCE_DIR}/tests/e2e/setup_starts_nothing.sh)
set_tests_properties("e2e: setup starts nothing" PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77)
