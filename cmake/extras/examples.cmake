# tests/examples: each example passes its own gates
add_test(NAME "examples: lettings"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/examples/lettings_test.py
                 ${CMAKE_BINARY_DIR})
set_tests_properties("examples: lettings" PROPERTIES TIMEOUT 600)
