# bench/apps/echo: the app the benchmarks deploy; static, so that it runs in any root
add_executable(ecluse-echo-app bench/apps/echo/echo_main.cc bench/apps/echo/sha1.cc)
target_compile_options(ecluse-echo-app PRIVATE -Wall -Wextra -Werror -O2)
target_link_options(ecluse-echo-app PRIVATE -static)
add_executable(test_ecluse_echo bench/apps/echo/sha1_test.cc bench/apps/echo/sha1.cc)
target_include_directories(test_ecluse_echo PRIVATE bench/apps/echo)
target_link_libraries(test_ecluse_echo PRIVATE ecluse_flavour ecluse::third::gtest)
ecluse_tests(test_ecluse_echo "bench/echo")
