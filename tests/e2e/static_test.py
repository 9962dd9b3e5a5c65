#!/usr/bin/env python3
"""Files of a release that the gateway serves itself: what was built, what a release job wrote above it,
conditions, ranges, and that a deploy changes them together with the app. Needs root (namespaces).

usage: static_test.py PATH_OF_ECLUSE"""
import http.client

import story

SPEC = """
app: hello
build: {command: chmod -R a+rX public}
release: ["mkdir -p public && cp app.py public/collected.txt"]
processes:
  web: {command: python3 app.py, ready: /health, stop_grace: 2s, static: {/static: public}}
pages: {500: public/500.html, maintenance: public/soon.html}
environments:
  prod: {hosts: [hello.localhost], bake: 10m, drain: 2s}
"""


class StaticFolders(story.Story):
    SPEC = SPEC

    def fetch(self, path, **fields):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request("GET", path, headers={"Host": self.HOST, **named})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def release(self, version, app=story.APP):
        folder = self.repository / "public"
        folder.mkdir(exist_ok=True)
        (folder / "app.css").write_text(f"/* {version} */ body { '{}' }")
        (folder / "500.html").write_text(f"<p>sorry of {version}</p>")
        (folder / "soon.html").write_text(f"<p>soon {version}</p>")
        self.commit(version, app)
        self.ecluse("deploy")

    def test_files_of_the_release_that_serves(self):
        self.up()
        self.release("one")
        answer, body = self.fetch("/static/app.css")
        self.assertEqual((answer.status, body), (200, b"/* one */ body {}"))
        self.assertEqual(answer.headers["Content-Type"], "text/css; charset=utf-8")
        tag = answer.headers["ETag"]

        again, nothing = self.fetch("/static/app.css", If_None_Match=tag)
        self.assertEqual((again.status, nothing), (304, b""))
        part, piece = self.fetch("/static/app.css", Range="bytes=3-5", If_Range=tag)
        self.assertEqual((part.status, piece), (206, b"one"))
        self.assertEqual(part.headers["Content-Range"], f"bytes 3-5/{len(body)}")

        collected, text = self.fetch("/static/collected.txt")
        self.assertEqual((collected.status, text), (200, (self.repository / "app.py").read_bytes()))
        outside, _ = self.fetch("/static/../app.py")
        self.assertEqual(outside.status, 404)
        self.assertEqual(self.get()[:2], (200, "one none"))

        self.release("two")
        newer, body = self.fetch("/static/app.css", If_None_Match=tag)
        self.assertEqual((newer.status, body), (200, b"/* two */ body {}"))
        self.ecluse("rollback")
        back, _ = self.fetch("/static/app.css", If_None_Match=tag)
        self.assertEqual(back.status, 304)
        self.finished = True

    def test_pages_of_the_release_in_place_of_ours(self):
        self.up()
        self.release("one")
        self.ecluse("maintenance", "on")
        closed, page = self.fetch("/")
        self.assertEqual((closed.status, page), (503, b"<p>soon one</p>"))
        self.assertIn("Retry-After", closed.headers)
        self.ecluse("maintenance", "off")
        self.release("two", story.APP.replace("send_response(status)",
                                              "send_response(200 if self.path == '/health' else 500)"))
        browser, page = self.fetch("/", Accept="text/html,*/*;q=0.8")
        self.assertEqual((browser.status, page), (500, b"<p>sorry of two</p>"))
        program, body = self.fetch("/", Accept="application/json")
        self.assertEqual((program.status, body[:3]), (500, b"two"))
        self.finished = True

    def test_a_page_that_is_not_there_fails_the_deploy_and_says_so(self):
        self.up()
        self.release("one")
        (self.repository / "public" / "soon.html").unlink()
        self.commit("two")
        self.assertIn("public/soon.html: there is no such file in the release",
                      self.ecluse("deploy", code=1))
        self.assertEqual(self.get()[:2], (200, "one none"))
        self.finished = True


if __name__ == "__main__":
    story.main()
