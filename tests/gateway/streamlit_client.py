"""A browser's part in a Streamlit session, without the browser: opens the WebSocket, asks for a run of the script, and
prints what it was told to show, a line each. Runs in an environment that has Streamlit.

usage: streamlit_client.py PORT"""
import asyncio
import sys

import tornado.httpclient
import tornado.websocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PATIENCE_S = 120


async def session(port):
    request = tornado.httpclient.HTTPRequest(f"ws://127.0.0.1:{port}/_stcore/stream",
                                             headers={"Host": "localhost", "Origin": "http://localhost"})
    socket = await tornado.websocket.websocket_connect(request, subprotocols=["streamlit"])
    assert socket.selected_subprotocol == "streamlit", socket.selected_subprotocol
    rerun = BackMsg()
    rerun.rerun_script.query_string = ""
    await socket.write_message(rerun.SerializeToString(), binary=True)
    while True:
        said = await socket.read_message()
        if said is None:
            raise SystemExit("the socket was closed before the script had ended")
        message = ForwardMsg()
        message.ParseFromString(said)
        kind = message.WhichOneof("type")
        if kind == "delta" and message.delta.new_element.WhichOneof("type") == "markdown":
            print(message.delta.new_element.markdown.body, flush=True)
        if kind == "script_finished":
            return socket.close()


asyncio.run(asyncio.wait_for(session(int(sys.argv[1])), PATIENCE_S))
