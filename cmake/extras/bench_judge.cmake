# bench/judge.cc: how often the judge is wrong, and how soon it is right
add_executable(bench-judge ${CMAKE_SOURCE_DIR}/bench/judge.cc)
target_link_libraries(bench-judge PRIVATE ecluse_judge ecluse_flavour ecluse::third::json)
