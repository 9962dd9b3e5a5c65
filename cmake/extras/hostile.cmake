# Hostile requests and answers against the gateway as a program: tests/hostile.
add_test(NAME "hostile: requests and answers"
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/hostile/hostile.py
          --gateway $<TARGET_FILE:ecluse-gateway-dev>)
set_tests_properties("hostile: requests and answers" PROPERTIES TIMEOUT 300)
