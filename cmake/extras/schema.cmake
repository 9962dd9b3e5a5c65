# tests/schema: our JSON Schema before the distribution's validator
add_test(NAME "schema: public validator"
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/schema/schema_test.py)
