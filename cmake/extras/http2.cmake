# tests/http2: HTTP/2 by real clients and by hand. The distribution's Python has its h2, hpack, hyperframe.
add_test(NAME "gateway: http2"
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/http2/http2_test.py
                 $<TARGET_FILE:ecluse-gateway-dev>)
set_tests_properties("gateway: http2" PROPERTIES TIMEOUT 300)

# tests/e2e/browser_test.py: Chromium over HTTP/2 while the gateway is replaced
add_test(NAME "e2e: browser"
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/e2e/browser_test.py
                 $<TARGET_FILE:ecluse-gateway-dev>)
set_tests_properties("e2e: browser" PROPERTIES TIMEOUT 200 SKIP_RETURN_CODE 77)

# tests/gateway/websocket_test.py: WebSockets of real back ends, through the gateway as without it
add_test(NAME "gateway: websockets of real back ends"
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/gateway/websocket_test.py
                 $<TARGET_FILE:ecluse-gateway-dev>)
set_tests_properties("gateway: websockets of real back ends" PROPERTIES TIMEOUT 600)

# tests/gateway/streamlit_test.py: a real Streamlit, page and session
add_test(NAME "gateway: streamlit"
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/gateway/streamlit_test.py
                 $<TARGET_FILE:ecluse-gateway-dev>)
set_tests_properties("gateway: streamlit" PROPERTIES TIMEOUT 900)
