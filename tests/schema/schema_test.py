#!/usr/bin/env python3
"""Holds the JSON Schema that `ecluse schema` prints to a public validator: what the parser accepts
it accepts, and of what the parser refuses it refuses all that a schema can see."""
import json
import pathlib
import unittest

import jsonschema
import yaml

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "config"

# Refused by the parser for what lies between values, or for how YAML was written.
BEYOND_A_SCHEMA = {
    "backup_incomplete", "canary_weights", "duplicate_keys", "hosts_across_environments", "no_process",
    "promotions", "routes", "secrets_twice", "volumes",
}


def schema():
    return json.loads((GOLDEN / "schema.json").read_text())


def verdict(name):
    return (GOLDEN / f"{name}.txt").read_text().split("\n", 1)[0]


def readable():
    """(name, document) of every golden file that a YAML reader can read."""
    for path in sorted(GOLDEN.glob("*.yml")):
        try:
            yield path.stem, yaml.safe_load(path.read_bytes())
        except (yaml.YAMLError, UnicodeDecodeError):
            continue


class JsonSchema(unittest.TestCase):
    def setUp(self):
        self.validator = jsonschema.Draft202012Validator(schema())

    def test_it_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(schema())

    def test_it_accepts_what_the_parser_accepts(self):
        accepted = [(name, doc) for name, doc in readable() if verdict(name) == "ACCEPTED"]
        self.assertIn("product", [name for name, _ in accepted])
        for name, document in accepted:
            with self.subTest(name):
                self.assertEqual([e.message for e in self.validator.iter_errors(document)], [])

    def test_it_accepts_what_explain_prints(self):
        document = yaml.safe_load((GOLDEN / "product.explained").read_text())
        self.assertEqual([e.message for e in self.validator.iter_errors(document)], [])

    def test_it_refuses_what_the_parser_refuses_for_its_shape(self):
        refused = [(name, doc) for name, doc in readable()
                   if verdict(name) == "REFUSED" and name not in BEYOND_A_SCHEMA]
        self.assertGreater(len(refused), 10)
        for name, document in refused:
            with self.subTest(name):
                self.assertFalse(self.validator.is_valid(document))


if __name__ == "__main__":
    unittest.main()
