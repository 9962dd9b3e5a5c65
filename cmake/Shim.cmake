# src/runtime/process: the shim, a small static program inside the big one. Never sanitized: it
# outlives the control plane and must stay below 2 MB.
enable_language(ASM)
file(GLOB _shim_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/runtime/process/shim/*.cc)
list(FILTER _shim_sources EXCLUDE REGEX "_test\\.cc$")
add_executable(ecluse_shim ${_shim_sources} ${CMAKE_SOURCE_DIR}/src/os/fd.cc)
target_include_directories(ecluse_shim PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(ecluse_shim PRIVATE ecluse::third::expected)
target_compile_options(ecluse_shim PRIVATE -Os -Wall -Wextra -Wshadow -Werror -fno-exceptions
  -fno-rtti -ffunction-sections -fdata-sections)
target_link_options(ecluse_shim PRIVATE -static -Wl,--gc-sections -s)
set(_shim_assembly ${CMAKE_BINARY_DIR}/shim_bytes.S)
file(CONFIGURE OUTPUT ${_shim_assembly} @ONLY CONTENT [[
    .section .rodata
    .global ecluse_shim_begin
    .global ecluse_shim_end
ecluse_shim_begin:
    .incbin "@CMAKE_BINARY_DIR@/ecluse_shim"
ecluse_shim_end:
    .byte 0
    .section .note.GNU-stack,"",@progbits
]])
set_source_files_properties(${_shim_assembly} PROPERTIES OBJECT_DEPENDS ${CMAKE_BINARY_DIR}/ecluse_shim)
target_sources(ecluse_runtime_process PRIVATE ${_shim_assembly}
  ${CMAKE_SOURCE_DIR}/src/runtime/process/shim/conf.cc
  ${CMAKE_SOURCE_DIR}/src/runtime/process/shim/process_id.cc
  ${CMAKE_SOURCE_DIR}/src/runtime/process/shim/small_file.cc
  ${CMAKE_SOURCE_DIR}/src/runtime/process/shim/failure.cc)
