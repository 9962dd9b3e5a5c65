#!/usr/bin/env python3
"""The audit as a gate: what blocks stops a deploy to that environment, a waiver lets it pass until
its day, and the release keeps what was found.

usage: gate_test.py PATH_OF_ECLUSE"""
import story

# A variable that is demanded at import and given in prod alone: ENV-001 blocks preprod.
DEMANDED = 'os.environ["REGION"]'
APP = f"import os\nREGION = {DEMANDED}\n" + story.APP
# The audit sees the same; run, it does without.
RUNS_WITHOUT = APP.replace(DEMANDED, f"{DEMANDED} if 0 else 1")

SPEC = """
app: hello
processes:
  web: {command: python3 app.py, ready: {path: /, start: 30s}, stop_grace: 2s}
bake: 10m
drain: 2s
WAIVERS
environments:
  preprod: {hosts: [hello.localhost], deploy: automatic}
  prod: {hosts: [prod.localhost], env: {REGION: eu}}
"""


def waived_until(day):
    return f'waivers: [{{rule: ENV-001, reason: the app is going, until: "{day}"}}]'


class Gate(story.Story):
    SPEC = SPEC.replace("WAIVERS", "")

    def test_what_blocks_stops_a_deploy_to_that_environment_alone(self):
        self.commit("v1", app=APP)
        self.up()
        said = self.ecluse("deploy", "--to", "preprod", code=3)
        self.assertIn("app.py:2: ENV-001", said)
        self.assertIn("REGION", said)
        self.assertIn("waivers", said)
        self.assertIn("nothing yet", self.ecluse("releases", "--to", "preprod", code=1))

        self.HOST = "prod.localhost"
        self.ecluse("deploy", "--to", "prod")
        self.assertEqual(self.get()[:2], (200, "v1 none"))
        shown = self.ecluse("releases", "show", "1", "--to", "prod")
        self.assertIn("audit", shown)
        self.assertIn("warn REPO-004 there is no .gitignore", shown)
        self.finished = True

    def test_a_waiver_lets_it_pass_until_its_day(self):
        self.SPEC = SPEC.replace("WAIVERS", waived_until("2020-01-01"))
        self.commit("v1", app=RUNS_WITHOUT)
        self.up()
        self.assertIn("ENV-001", self.ecluse("deploy", "--to", "preprod", code=3))
        self.SPEC = SPEC.replace("WAIVERS", waived_until("2999-12-31"))
        self.commit("v2", app=RUNS_WITHOUT)
        self.ecluse("deploy", "--to", "preprod")
        self.assertEqual(self.get()[:2], (200, "v2 none"))
        shown = self.ecluse("releases", "show", "1", "--to", "preprod")
        self.assertIn("waived until 2999-12-31: the app is going", shown)
        self.finished = True


if __name__ == "__main__":
    story.main()
