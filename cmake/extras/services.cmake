# tests/services: real databases under the real runtime
add_executable(test_services_real ${CMAKE_SOURCE_DIR}/tests/services/local_services_test.cc)
target_link_libraries(test_services_real PRIVATE ecluse_services ecluse_secrets ecluse_runtime_process
                                                 ecluse_flavour ecluse::third::gtest)
ecluse_tests(test_services_real "services" PROPERTIES TIMEOUT 180)
