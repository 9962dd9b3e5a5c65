"""A git repository made for the occasion: the deliverer's side of the story."""
import os
import shutil
import subprocess
from pathlib import Path

# Nobody's real name, and no configuration of the machine.
IDENTITY = {
    "GIT_AUTHOR_NAME": "Demo", "GIT_AUTHOR_EMAIL": "demo@lettings.localhost",
    "GIT_COMMITTER_NAME": "Demo", "GIT_COMMITTER_EMAIL": "demo@lettings.localhost",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch", "main")

    def _git(self, *arguments):
        done = subprocess.run(["git", *arguments], cwd=self.folder, check=True, text=True,
                              capture_output=True, env=os.environ | IDENTITY)
        return done.stdout.strip()

    def copy(self, tree):
        """All files of `tree`, without what git ignores there."""
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=tree, check=True,
                                capture_output=True).stdout.decode()
        for name in filter(None, listed.split("\0")):
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(Path(tree) / name, target)

    def write(self, name, text):
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def replace(self, name, old, new):
        """Replaces text that must be there: an example that changed must not pass unnoticed."""
        text = (self.folder / name).read_text()
        if old not in text:
            raise ValueError(f"{name} has no {old!r}")
        self.write(name, text.replace(old, new))

    def remove(self, name):
        (self.folder / name).unlink()

    def commit(self, message):
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        return self._git("rev-parse", "HEAD")
