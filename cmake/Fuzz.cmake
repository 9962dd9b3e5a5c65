# ecluse_fuzz(NAME LIBRARY...): tests/fuzz/NAME_fuzz.cc as the libFuzzer program NAME_fuzz in the
# flavour fuzz (./run fuzz NAME), and everywhere else as the test "fuzz: NAME", which replays its
# corpus and then a bounded number of mutations of it: what a newcomer's compiler can do.
function(ecluse_fuzz name)
  set(program ${name}_fuzz)
  add_executable(${program} ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cc)
  target_link_libraries(${program} PRIVATE ecluse_flavour ${ARGN})
  if(ECLUSE_FLAVOUR STREQUAL "fuzz")
    target_link_options(${program} PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  target_sources(${program} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cc)
  add_test(NAME "fuzz: ${name}"
           COMMAND ${program} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
  set_tests_properties("fuzz: ${name}" PROPERTIES TIMEOUT 120)
endfunction()
