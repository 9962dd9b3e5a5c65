#!/usr/bin/env python3
"""Shows that layers.py finds what it is there to find, then runs it on the tree itself."""
import pathlib
import tempfile
import unittest

import layers

TABLE = "ecluse_folder(base)\necluse_folder(model NEEDS base THIRD json)\necluse_folder(api NEEDS model)\n"


def tree(files):
    """A source tree in a temporary folder: {"model/a.h": text}."""
    folder = tempfile.TemporaryDirectory()
    root = pathlib.Path(folder.name)
    (root / "CMakeLists.txt").write_text(TABLE)
    for name, text in files.items():
        path = root / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder, root


class Layers(unittest.TestCase):
    def found(self, files):
        folder, root = tree(files)
        with folder:
            return list(layers.breaches(root))

    def test_an_include_downwards_is_fine_even_over_two_layers(self):
        self.assertEqual(self.found({"api/x.cc": '#include "base/result.h"\n'}), [])

    def test_an_include_upwards_is_named_with_its_line(self):
        found = self.found({"model/a.cc": '// why\n#include "api/x.h"\n'})
        self.assertEqual(len(found), 1)
        self.assertIn("src/model/a.cc:2: model includes api/x.h", found[0])

    def test_a_heavy_header_in_a_header_is_named_with_what_to_use(self):
        found = self.found({"model/a.h": "#include <nlohmann/json.hpp>\n"})
        self.assertIn("json_fwd", found[0])

    def test_a_heavy_header_in_a_source_is_fine(self):
        self.assertEqual(self.found({"model/a.cc": "#include <nlohmann/json.hpp>\n"}), [])

    def test_a_folder_without_a_row_is_named(self):
        self.assertIn("no row", self.found({"zoo/a.cc": "\n"})[0])

    def test_a_vague_file_name_is_named(self):
        self.assertIn("one noun", self.found({"model/json_utils.cc": "\n"})[0])

    def test_the_tree_itself_has_no_breach(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        self.assertEqual(list(layers.breaches(root)), [])


if __name__ == "__main__":
    unittest.main()
