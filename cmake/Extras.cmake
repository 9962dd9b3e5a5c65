# What is built or tested besides the folders of src/: one file a subject, each by itself.
include(Shim)  # the small program inside the big one
include(Fuzz)  # ecluse_fuzz()

find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(GLOB extras CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/extras/*.cmake)
foreach(extra ${extras})
  include(${extra})
endforeach()
