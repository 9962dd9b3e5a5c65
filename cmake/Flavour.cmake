# Four flavours of the same sources; ./run build NAME chooses one through CMakePresets.json.
set(ECLUSE_FLAVOUR dev CACHE STRING "dev | tsan | release | fuzz")
add_library(ecluse_flavour INTERFACE)
target_compile_options(ecluse_flavour INTERFACE -Wall -Wextra -Werror -Wswitch -Wshadow
  -Wnon-virtual-dtor -Wno-missing-field-initializers)
target_compile_definitions(ecluse_flavour INTERFACE ECLUSE_VERSION="${PROJECT_VERSION}")
find_program(ECLUSE_MOLD mold)
if(ECLUSE_MOLD AND NOT ECLUSE_FLAVOUR STREQUAL "release")
  target_link_options(ecluse_flavour INTERFACE -fuse-ld=mold)
endif()
find_program(ECLUSE_CCACHE ccache)
if(ECLUSE_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${ECLUSE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ECLUSE_CCACHE})
endif()

if(ECLUSE_FLAVOUR STREQUAL "dev")
  set(_options -O0 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
      -D_GLIBCXX_ASSERTIONS)
elseif(ECLUSE_FLAVOUR STREQUAL "tsan")
  set(_options -O1 -g1 -fsanitize=thread -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS)
elseif(ECLUSE_FLAVOUR STREQUAL "fuzz")
  # clang warns inside libstdc++ 12's own stable_sort, where gcc keeps quiet.
  set(_options -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
      -Wno-deprecated-declarations)
elseif(ECLUSE_FLAVOUR STREQUAL "release")
  set(_options -O2 -g1 -flto=auto -D_GLIBCXX_ASSERTIONS -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
elseif(ECLUSE_FLAVOUR STREQUAL "mutants")
  set(_options -O2 -g0 -D_GLIBCXX_ASSERTIONS)  # the simulator and its seeded mistakes: tools/mutants.py
else()
  message(FATAL_ERROR "ECLUSE_FLAVOUR is '${ECLUSE_FLAVOUR}', expected dev, tsan, release or fuzz")
endif()
target_compile_options(ecluse_flavour INTERFACE ${_options})
target_link_options(ecluse_flavour INTERFACE ${_options} -Wl,--build-id=sha1)  # os/build_id.h
if(ECLUSE_FLAVOUR STREQUAL "release")
  target_link_options(ecluse_flavour INTERFACE -static-libstdc++ -static-libgcc -Wl,-z,relro,-z,now)
endif()
