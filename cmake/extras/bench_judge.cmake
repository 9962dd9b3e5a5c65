# bench/judge.cc: how often the judge is wrong, and how soon it is right
add_executable(bench-judge ${CMAKE_SOURCE_DIR}/bench/judge.cc ${CMAKE_SOURCE_DIR}/bench/judge/gates.cc
  ${CMAKE_SOURCE_DIR}/bench/judge/peers.cc ${CMAKE_SOURCE_DIR}/bench/judge/traffic.cc)
target_include_directories(bench-judge PRIVATE ${CMAKE_SOURCE_DIR}/bench)
target_link_libraries(bench-judge PRIVATE ecluse_judge ecluse_flavour ecluse::third::json)
