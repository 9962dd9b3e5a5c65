# tests/bench: the driver of the demo and the benchmarks
add_test(NAME "bench: driver"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/bench/drive_test.py)
set_tests_properties("bench: driver" PROPERTIES TIMEOUT 120
                     ENVIRONMENT "ECLUSE_BUILD=${CMAKE_BINARY_DIR}")
