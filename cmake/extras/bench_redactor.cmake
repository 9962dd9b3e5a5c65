# bench/redactor.cc: what keeping secrets out of logs costs
add_executable(bench-redactor ${CMAKE_SOURCE_DIR}/bench/redactor.cc)
target_link_libraries(bench-redactor PRIVATE ecluse_secrets ecluse_flavour)
