# bench/load: the load client of the demo and the benchmarks
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
ecluse_tests(test_ecluse_load "bench/load" PROPERTIES TIMEOUT 120)
