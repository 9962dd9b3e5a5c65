#!/usr/bin/python3
"""A real Streamlit app behind the gateway: its page, a file of it, its health, and a session over its WebSocket, the
same through the gateway as without. Installs Streamlit once, into a folder of its own.

usage: streamlit_test.py PROGRAM"""
import http.client
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "http2"))
import gateway as h2  # noqa: E402
from websocket_test import PROGRAM, BackEnd  # noqa: E402

PIN = "streamlit==1.40.2"
APP = """
import streamlit
streamlit.markdown("said by the script")
streamlit.markdown(f"seen as {streamlit.context.headers.get('X-Forwarded-Host', 'itself')}")
"""

def virtual_environment():
    """The bin folder of an environment with Streamlit, in the checkout: nobody else may write there what we run."""
    venv = HERE.parents[1] / "build" / PIN
    done = venv / "complete"
    if not done.exists():
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run(["/usr/bin/python3", "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", PIN], check=True)
        done.touch()
    return venv / "bin"

class Streamlit(unittest.TestCase):
    def setUp(self):
        self.bin = virtual_environment()
        os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
        self.app = BackEnd("app.py", APP, [str(self.bin / "streamlit"), "run", "app.py", "--server.headless=true",
                                           "--server.address=127.0.0.1", "--server.port={port}"])
        self.addCleanup(self.app.close)
        self.proxy = h2.Gateway(PROGRAM, self.app)
        self.addCleanup(self.proxy.close)

    def get(self, port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=h2.PATIENCE_S)
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers.get("Content-Type"), body

    def test_page_and_files_are_the_same_as_without_the_gateway(self):
        direct = self.get(self.app.port, "/")
        self.assertEqual(direct[0], 200)
        script = re.search(rb'src="\.(/static/js/[^"]+)"', direct[2])
        self.assertIsNotNone(script, direct[2][:500])
        for path in ("/", script[1].decode(), "/_stcore/health"):
            with self.subTest(path):
                through = self.get(self.proxy.plain_port, path)
                self.assertEqual(through[0], 200)
                self.assertEqual(through, self.get(self.app.port, path))

    def test_a_session_runs_its_script(self):
        def shown(port):
            done = subprocess.run([self.bin / "python3", HERE / "streamlit_client.py", str(port)], text=True,
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr + self.app.words())
            return done.stdout.splitlines()

        self.assertEqual(shown(self.app.port), ["said by the script", "seen as itself"])
        self.assertEqual(shown(self.proxy.plain_port), ["said by the script", "seen as localhost"])

if __name__ == "__main__":
    unittest.main(verbosity=1)
