# tests/backup: backups of a real PostgreSQL under the real runtime; one server for all of them
add_executable(test_backup_real ${CMAKE_SOURCE_DIR}/tests/backup/local_backups_test.cc)
target_link_libraries(test_backup_real PRIVATE ecluse_backup ecluse_services ecluse_secrets
                                               ecluse_runtime_process ecluse_flavour ecluse::third::gtest)
add_test(NAME "backup: real PostgreSQL" COMMAND test_backup_real)
set_tests_properties("backup: real PostgreSQL" PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
