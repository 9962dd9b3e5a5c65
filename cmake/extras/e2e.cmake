# tests/e2e: the real program, on the real machine. The long ones begin first; those that need the
# machine for themselves (its Docker, its users, a disk that fills up) run alone.
function(ecluse_e2e name)
  add_test(NAME "e2e: ${name}"
           COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/e2e/${name}_test.py $<TARGET_FILE:ecluse>)
  set_tests_properties("e2e: ${name}" PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77 ${ARGN})
endfunction()
foreach(name started db_move static)
  ecluse_e2e(${name} COST 200)
endforeach()
foreach(name backup bad_input database deploy fix gate init metrics)
  ecluse_e2e(${name} COST 50)
endforeach()
foreach(name docker full_disk unprivileged)
  ecluse_e2e(${name} RUN_SERIAL TRUE)
endforeach()

add_test(NAME "e2e: setup starts nothing"
         COMMAND ${CMAKE_SOURCE_DIR}/tests/e2e/setup_starts_nothing.sh)
set_tests_properties("e2e: setup starts nothing" PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77)
