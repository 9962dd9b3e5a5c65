# The gateway as a program of its own, which its tests start, kill and drain.
add_executable(ecluse-gateway-dev src/gateway/gateway_main.cc)
target_link_libraries(ecluse-gateway-dev PRIVATE ecluse_gateway ecluse_flavour)
# The same, counting what it takes from the heap.
add_executable(ecluse-gateway-counting src/gateway/gateway_main.cc tests/gateway/counting_new.cc)
target_link_libraries(ecluse-gateway-counting PRIVATE ecluse_gateway ecluse_flavour)
if(TARGET test_ecluse_gateway)
  add_dependencies(test_ecluse_gateway ecluse-gateway-dev ecluse-gateway-counting)
  target_compile_definitions(test_ecluse_gateway PRIVATE
    ECLUSE_GATEWAY_PROGRAM="$<TARGET_FILE:ecluse-gateway-dev>"
    ECLUSE_COUNTING_PROGRAM="$<TARGET_FILE:ecluse-gateway-counting>" ECLUSE_SOURCE="${CMAKE_SOURCE_DIR}")
endif()
