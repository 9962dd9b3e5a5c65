# tests/schema: our JSON Schema before the distribution's validator
add_test(NAME "schema: public validator"
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/schema/schema_test.py)
add_test(NAME "schema: public SARIF schema"
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/schema/sarif_test.py $<TARGET_FILE:ecluse> ${CMAKE_BINARY_DIR})
