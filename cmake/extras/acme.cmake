# tests/acme: certificates from pebble, the distribution's ACME test server
add_test(NAME "gateway: acme"
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/acme/pebble_test.py
                 $<TARGET_FILE:ecluse-gateway-dev>)
set_tests_properties("gateway: acme" PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
