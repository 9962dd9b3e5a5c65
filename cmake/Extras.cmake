# What is built or tested besides the folders of src/.

include(Shim)  # the small program inside the big one

# --- tests/structure: the layers
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME "structure: layers"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/structure/layers_test.py)

# --- sim/twins: each twin against the suite its port demands
add_executable(test_twins ${CMAKE_SOURCE_DIR}/sim/twins/memory_store_test.cc)
target_link_libraries(test_twins PRIVATE ecluse_ports ecluse_flavour ecluse::third::gtest)
gtest_discover_tests(test_twins TEST_PREFIX "twins: " DISCOVERY_TIMEOUT 60)

# --- bench/load: the load client of the demo and the benchmarks
file(GLOB load_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/load/*.cc)
set(load_tests ${load_sources})
list(FILTER load_tests INCLUDE REGEX "_test\\.cc$")
list(FILTER load_sources EXCLUDE REGEX "_test\\.cc$|_main\\.cc$")
add_library(ecluse_load STATIC ${load_sources})
target_include_directories(ecluse_load PUBLIC ${CMAKE_SOURCE_DIR}/bench/load)
target_link_libraries(ecluse_load PUBLIC ecluse_os PRIVATE ecluse_flavour ecluse::third::json)
add_executable(ecluse-load bench/load/load_main.cc)
target_link_libraries(ecluse-load PRIVATE ecluse_load ecluse_flavour ecluse::third::cli11)
add_executable(test_ecluse_load ${load_tests})
target_link_libraries(test_ecluse_load PRIVATE ecluse_load ecluse_flavour ecluse::third::gtest
                                               ecluse::third::rapidcheck ecluse::third::json)
gtest_discover_tests(test_ecluse_load TEST_PREFIX "bench/load: " DISCOVERY_TIMEOUT 60
                     PROPERTIES TIMEOUT 120)

# --- api, cli: tests that hold docs/ to the tables in the sources
foreach(folder api cli)
  if(TARGET test_ecluse_${folder})
    target_compile_definitions(test_ecluse_${folder} PRIVATE ECLUSE_SOURCE="${CMAKE_SOURCE_DIR}")
  endif()
endforeach()

# --- bench/apps/echo: the app the benchmarks deploy; static, so that it runs in any root
add_executable(ecluse-echo-app bench/apps/echo/echo_main.cc bench/apps/echo/sha1.cc)
target_compile_options(ecluse-echo-app PRIVATE -Wall -Wextra -Werror -O2)
target_link_options(ecluse-echo-app PRIVATE -static)
add_executable(test_ecluse_echo bench/apps/echo/sha1_test.cc bench/apps/echo/sha1.cc)
target_include_directories(test_ecluse_echo PRIVATE bench/apps/echo)
target_link_libraries(test_ecluse_echo PRIVATE ecluse_flavour ecluse::third::gtest)
gtest_discover_tests(test_ecluse_echo TEST_PREFIX "bench/echo: " DISCOVERY_TIMEOUT 60)

# --- bench/judge.cc: how often the judge is wrong, and how soon it is right
add_executable(bench-judge ${CMAKE_SOURCE_DIR}/bench/judge.cc)
target_link_libraries(bench-judge PRIVATE ecluse_judge ecluse_flavour ecluse::third::json)

# The gateway as a program of its own, which its tests start, kill and drain.
add_executable(ecluse-gateway-dev src/gateway/gateway_main.cc)
target_link_libraries(ecluse-gateway-dev PRIVATE ecluse_gateway ecluse_flavour)
if(TARGET test_ecluse_gateway)
  add_dependencies(test_ecluse_gateway ecluse-gateway-dev)
  target_compile_definitions(test_ecluse_gateway PRIVATE
    ECLUSE_GATEWAY_PROGRAM="$<TARGET_FILE:ecluse-gateway-dev>" ECLUSE_SOURCE="${CMAKE_SOURCE_DIR}")
endif()

# --- tests/fuzz: libFuzzer on what reads a stranger's bytes (preset fuzz)
if(ECLUSE_FLAVOUR STREQUAL "fuzz")
  add_executable(fuzz_http1 tests/fuzz/http1_fuzz.cc)
  target_link_libraries(fuzz_http1 PRIVATE ecluse_gateway ecluse_flavour)
  target_link_options(fuzz_http1 PRIVATE -fsanitize=fuzzer)
endif()

# --- tests/bench: the driver of the demo and the benchmarks
add_test(NAME "bench: driver"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/bench/drive_test.py)
set_tests_properties("bench: driver" PROPERTIES TIMEOUT 120
                     ENVIRONMENT "ECLUSE_BUILD=${CMAKE_BINARY_DIR}")

# --- tests/examples: each example passes its own gates
add_test(NAME "examples: lettings"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/examples/lettings_test.py
                 ${CMAKE_BINARY_DIR})
set_tests_properties("examples: lettings" PROPERTIES TIMEOUT 600)

# --- tests/services: real databases under the real runtime
add_executable(test_services_real ${CMAKE_SOURCE_DIR}/tests/services/local_services_test.cc)
target_link_libraries(test_services_real PRIVATE ecluse_services ecluse_secrets ecluse_runtime_process
                                                 ecluse_flavour ecluse::third::gtest)
gtest_discover_tests(test_services_real TEST_PREFIX "services: " DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 180)

# --- bench/redactor.cc: what keeping secrets out of logs costs
add_executable(bench-redactor ${CMAKE_SOURCE_DIR}/bench/redactor.cc)
target_link_libraries(bench-redactor PRIVATE ecluse_secrets ecluse_flavour)

# --- tests/fuzz: one libFuzzer program per NAME_fuzz.cc, in the fuzz flavour
if(ECLUSE_FLAVOUR STREQUAL "fuzz")
  function(ecluse_fuzz name)
    add_executable(${name}_fuzz tests/fuzz/${name}_fuzz.cc)
    target_link_libraries(${name}_fuzz PRIVATE ecluse_flavour ${ARGN})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  endfunction()
  ecluse_fuzz(config ecluse_config)
endif()

# --- tests/schema: our JSON Schema before the distribution's validator
add_test(NAME "schema: public validator"
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/schema/schema_test.py)

# --- sim: twins of every port, and the simulator on them; the real control code
file(GLOB twin_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sim/twins/*.cc)
list(FILTER twin_sources EXCLUDE REGEX "_test\\.cc$")
add_library(ecluse_twins STATIC ${twin_sources})
target_include_directories(ecluse_twins PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(ecluse_twins PUBLIC ecluse_control PRIVATE ecluse_flavour)
file(GLOB sim_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sim/*.cc)
set(sim_tests ${sim_sources})
list(FILTER sim_tests INCLUDE REGEX "_test\\.cc$")
list(FILTER sim_sources EXCLUDE REGEX "_test\\.cc$|_main\\.cc$")
add_library(ecluse_sim STATIC ${sim_sources})
target_link_libraries(ecluse_sim PUBLIC ecluse_twins ecluse::third::json PRIVATE ecluse_flavour)
add_executable(test_ecluse_sim ${sim_tests})
target_link_libraries(test_ecluse_sim PRIVATE ecluse_sim ecluse_flavour ecluse::third::gtest)
target_compile_definitions(test_ecluse_sim PRIVATE ECLUSE_SOURCE="${CMAKE_SOURCE_DIR}")
gtest_discover_tests(test_ecluse_sim TEST_PREFIX "sim: " DISCOVERY_TIMEOUT 60
                     PROPERTIES TIMEOUT 300)
add_executable(ecluse-sim sim/sim_main.cc)
target_link_libraries(ecluse-sim PRIVATE ecluse_sim ecluse_flavour ecluse::third::cli11)

# --- tests/e2e: what only a machine of its own can show
add_test(NAME "e2e: setup starts nothing"
         COMMAND ${CMAKE_SOURCE_DIR}/tests/e2e/setup_starts_nothing.sh)
set_tests_properties("e2e: setup starts nothing" PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77)

# --- src/stage_log_files: beside main.cc, because it joins control/ to the disk
add_executable(test_stage_logs src/stage_log_files_test.cc src/stage_log_files.cc)
target_link_libraries(test_stage_logs PRIVATE ecluse_control ecluse_os ecluse_flavour ecluse::third::gtest)
gtest_discover_tests(test_stage_logs TEST_PREFIX "stage logs: " DISCOVERY_TIMEOUT 60)

# --- tests/e2e: the real program
add_test(NAME "e2e: deploy"
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/e2e/deploy_test.py $<TARGET_FILE:ecluse>)
set_tests_properties("e2e: deploy" PROPERTIES TIMEOUT 900 RUN_SERIAL TRUE)
