# src/stage_log_files: beside main.cc, because it joins control/ to the disk
add_executable(test_stage_logs src/stage_log_files_test.cc src/stage_log_files.cc)
target_link_libraries(test_stage_logs PRIVATE ecluse_control ecluse_os ecluse_flavour ecluse::third::gtest)
ecluse_tests(test_stage_logs "stage logs")
