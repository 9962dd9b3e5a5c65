#!/usr/bin/env python3
"""Holds every #include under src/ to the layer table in CMakeLists.txt, and keeps heavy headers out
of headers. Prints one line per breach, `file:line: what; what is allowed`, and exits 1 if there is any.

Usage: layers.py [ROOT]
"""
import pathlib
import re
import sys

HEAVY = {
    "nlohmann/json.hpp": "nlohmann/json_fwd.hpp in headers, json.hpp in .cc files",
    "spdlog/": "base/log.h",
    "boost/": "only in .cc files",
    "yaml-cpp/": "only in .cc files",
    "CLI/": "only in .cc files",
}
VAGUE = re.compile(r"(^|_)(utils?|helpers?|misc|common|and|manager|data|info)(_|\.)")
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)[">]')


def layer_table(root):
    """folder -> set of folders it may include, itself among them, closed over NEEDS."""
    text = (root / "CMakeLists.txt").read_text()
    direct = {}
    for row in re.finditer(r"^ecluse_folder\(([^\s)]+)([^)]*)\)", text, re.M):
        needs = re.search(r"NEEDS((?:\s+(?!THIRD)\S+)+)", row.group(2))
        direct[row.group(1)] = needs.group(1).split() if needs else []
    closed = {}
    for folder in direct:
        reached, todo = {folder}, list(direct[folder])
        while todo:
            need = todo.pop()
            if need not in direct:
                raise SystemExit(f"CMakeLists.txt: {folder} needs {need}, which has no row")
            if need not in reached:
                reached.add(need)
                todo += direct[need]
        closed[folder] = reached
    return closed


def folder_of(path, folders):
    """The longest folder of the table that `path` (relative to src/) lies in."""
    fitting = [f for f in folders if path.startswith(f + "/")]
    return max(fitting, key=len, default=None)


def breaches_of_file(file, src, table):
    own = folder_of(str(file.relative_to(src)), table)
    name = file.relative_to(src.parent)
    if VAGUE.search(file.name):
        yield f"{name}:1: a file is named after one noun; '{file.name}' is not"
    if own is None and file.parent != src:
        yield f"{name}:1: its folder has no row in CMakeLists.txt"
        return
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        included = match.group(1)
        target = folder_of(included, table)
        if own and target and target not in table[own]:
            yield (f"{name}:{number}: {own} includes {included}; "
                   f"it may include {', '.join(sorted(table[own]))}")
        if file.suffix == ".h":
            for heavy, instead in HEAVY.items():
                if included.startswith(heavy):
                    yield f"{name}:{number}: {included} in a header; use {instead}"


def breaches(root):
    table = layer_table(root)
    src = root / "src"
    for file in sorted(src.rglob("*")):
        if file.suffix in (".h", ".cc"):
            yield from breaches_of_file(file, src, table)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(breaches(root))
    print("\n".join(found) or "every include points downwards")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
