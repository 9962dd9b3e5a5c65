# The grammars of preflight's syntax trees: npm packages, pinned with their digests by
# tools/grammars/package-lock.json, fetched once into build/grammars and built as C. Only the parser
# that each package ships in src/ is used; no script of a package is run.
enable_language(C)
set(_grammars ${CMAKE_SOURCE_DIR}/build/grammars)
set(_lock ${CMAKE_SOURCE_DIR}/tools/grammars/package-lock.json)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_lock})
file(SHA256 ${_lock} _wanted)
set(_stamp ${_grammars}/${_wanted}.fetched)
if(NOT EXISTS ${_stamp})
  file(LOCK ${CMAKE_SOURCE_DIR}/build/grammars.lock GUARD FILE TIMEOUT 300)
endif()
if(NOT EXISTS ${_stamp})
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/grammars/fetch.sh ${_grammars}
                  RESULT_VARIABLE _failed)
  if(_failed)
    message(FATAL_ERROR "tools/grammars/fetch.sh failed: the grammars come from the npm registry, "
                        "with the program npm; ./run setup installs it")
  endif()
  file(TOUCH ${_stamp})
endif()

function(_ecluse_grammar name folder)
  add_library(ecluse_grammar_${name} STATIC ${_grammars}/node_modules/${folder}/src/parser.c
                                            ${_grammars}/node_modules/${folder}/src/scanner.c)
  target_include_directories(ecluse_grammar_${name} PRIVATE ${_grammars}/node_modules/${folder}/src)
  # Generated tables: never sanitized (minutes instead of seconds), never warned about.
  target_compile_options(ecluse_grammar_${name} PRIVATE -O1 -g0 -w)
endfunction()
_ecluse_grammar(python tree-sitter-python)
_ecluse_grammar(bash tree-sitter-bash)
_ecluse_grammar(tsx tree-sitter-typescript/tsx)  # reads JavaScript, JSX and TypeScript, too
