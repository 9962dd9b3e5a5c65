"""The echo app as a repository: each commit is a new release that starts in a few milliseconds."""
import json
import shutil
import urllib.request

from .machine import BUILD, Failed
from .repository import Repository

HOST = "echo.localhost"
KEY = "echo/prod"
# 300 requests/s of which one in five is a WebSocket message or slow (half a second, or read slowly).
MIX = ("--get", "/:60", "--new", "/:12", "--post", "/upload:8", "--slow", "/slow?ms=500:6",
       "--slow-read", "/big?kb=64:2", "--websocket", "/ws:12", "--websockets", "20")

CONFIG = """\
app: {app}
build: {{command: chmod 755 ecluse-echo-app}}
processes:
  web:
    command: ./ecluse-echo-app
    instances: {instances}
    ready: {{path: /ready, interval: 100ms, start: 10s}}
    stop_grace: 5s
    limits: {{memory: 64MiB}}
environments:
  prod:
    hosts: [{app}.localhost]
    deploy: manual
    bake: {bake}
    drain: {drain}
"""


class EchoApp:
    """A repository whose commits are releases 1, 2, 3... of the echo app, in environment prod."""

    def __init__(self, ecluse, app="echo", instances=2, bake="0s", drain="2s"):
        self.ecluse = ecluse
        self.app = app
        self.key = f"{app}/prod"
        self.host = f"{app}.localhost"
        self.repository = Repository(ecluse.folder / "repositories" / app)
        self.repository.write("ecluse.yml", CONFIG.format(app=app, instances=instances, bake=bake,
                                                          drain=drain))
        shutil.copy2(BUILD / "ecluse-echo-app", self.repository.folder)
        self.commits = 0

    def commit(self):
        self.commits += 1
        self.repository.write("version.txt", f"{self.commits}\n")
        return self.repository.commit(f"Version {self.commits}")

    def deploy(self, check=True):
        """Commits, and deploys that commit; returns what the command said."""
        self.commit()
        return self.ecluse.deploy(self.repository, "prod", check=check)

    def begin_deploy(self):
        """Asks for a deploy of the newest commit; the rollout's id once that is recorded."""
        request = {"repository": str(self.repository.folder), "environment": "prod"}
        return self.ecluse.api("POST", "/v1/deploys", request)["rollout"]

    def stable(self):
        return self.ecluse.environment(self.key)["stable"]

    def boot_ms(self):
        """How long an instance of the serving release took from its start to listening."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.ecluse.port}/boot",
                                         headers={"Host": self.host})
        with urllib.request.urlopen(request, timeout=10) as response:
            boot = json.load(response)
        if boot["listened_ms"] < boot["began_ms"]:
            raise Failed(f"the app's timestamps make no sense: {boot}")
        return boot["listened_ms"] - boot["began_ms"]
