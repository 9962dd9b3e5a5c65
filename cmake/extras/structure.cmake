# tests/structure: the layers
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME "structure: layers"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/structure/layers_test.py)
