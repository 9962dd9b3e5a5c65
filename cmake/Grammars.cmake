# tree-sitter and the grammars of preflight's syntax trees: npm packages, pinned with their digests by
# tools/grammars/grammars.txt, fetched once into build/grammars and built as C. Only the parser that
# each package ships in src/ is used; no script of a package is run.
enable_language(C)
set(_grammars ${CMAKE_SOURCE_DIR}/build/grammars)
set(_table ${CMAKE_SOURCE_DIR}/tools/grammars/grammars.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_table})
file(SHA256 ${_table} _wanted)
set(_stamp ${_grammars}/${_wanted}.fetched)
if(NOT EXISTS ${_stamp})
  file(LOCK ${CMAKE_SOURCE_DIR}/build/grammars.lock GUARD FILE TIMEOUT 300)
endif()
if(NOT EXISTS ${_stamp})
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/grammars/fetch.sh ${_grammars}
                  RESULT_VARIABLE _failed)
  if(_failed)
    message(FATAL_ERROR "The grammars of ecluse check could not be fetched with npm; fetch.sh has said "
                        "above what failed. Configure again when the registry answers.")
  endif()
  file(TOUCH ${_stamp})
endif()

# Never sanitized (minutes instead of seconds for the generated tables), never warned about. -O2 takes
# minutes for the largest one, so only what people run has it.
function(_foreign_c target)
  target_compile_options(${target} PRIVATE $<IF:$<STREQUAL:${ECLUSE_FLAVOUR},release>,-O2,-O1> -g0 -w)
endfunction()

# Not the distribution's library: Debian 12 has 0.20.7, which counts a node's children in 16 bits and
# frees a wrong pointer for a file with more, and follows a null one in a broken file (tests:
# SyntaxTree.Outlives*).
set(_tree_sitter ${_grammars}/tree-sitter/vendor/tree-sitter/lib)
add_library(ecluse_tree_sitter STATIC ${_tree_sitter}/src/lib.c)
target_include_directories(ecluse_tree_sitter PRIVATE ${_tree_sitter}/src)
target_include_directories(ecluse_tree_sitter SYSTEM PUBLIC ${_tree_sitter}/include)
target_compile_options(ecluse_tree_sitter PRIVATE -include ${CMAKE_SOURCE_DIR}/tools/grammars/counters.h)
_foreign_c(ecluse_tree_sitter)
if(ECLUSE_FLAVOUR STREQUAL release)
  target_compile_options(ecluse_tree_sitter PRIVATE -O3)  # most of a check is spent in its one file
endif()

function(_ecluse_grammar name folder)
  add_library(ecluse_grammar_${name} STATIC ${_grammars}/${folder}/src/parser.c
                                            ${_grammars}/${folder}/src/scanner.c)
  target_include_directories(ecluse_grammar_${name} PRIVATE ${_grammars}/${folder}/src)
  _foreign_c(ecluse_grammar_${name})
endfunction()
_ecluse_grammar(python tree-sitter-python)
_ecluse_grammar(bash tree-sitter-bash)
_ecluse_grammar(tsx tree-sitter-typescript/tsx)  # reads JavaScript, JSX and TypeScript, too
