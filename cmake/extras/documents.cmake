# api, cli: tests that hold docs/ to the tables in the sources
foreach(folder api cli preflight)
  if(TARGET test_ecluse_${folder})
    target_compile_definitions(test_ecluse_${folder} PRIVATE ECLUSE_SOURCE="${CMAKE_SOURCE_DIR}")
  endif()
endforeach()
