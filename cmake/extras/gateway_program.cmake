# The gateway as a program of its own, which its tests start, kill and drain.
add_executable(ecluse-gateway-dev src/gateway/gateway_main.cc)
target_link_libraries(ecluse-gateway-dev PRIVATE ecluse_gateway ecluse_flavour)
if(TARGET test_ecluse_gateway)
  add_dependencies(test_ecluse_gateway ecluse-gateway-dev)
  target_compile_definitions(test_ecluse_gateway PRIVATE
    ECLUSE_GATEWAY_PROGRAM="$<TARGET_FILE:ecluse-gateway-dev>" ECLUSE_SOURCE="${CMAKE_SOURCE_DIR}")
endif()
