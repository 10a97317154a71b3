#!/usr/bin/env python3
"""Fails where a file of src/ includes a layer that its own layer may not use.

    check_layers.py LAYERS.TXT SRC

LAYERS.TXT has one line a layer, "name: used used ...", written by CMake from the lp_layer() calls in src/CMakeLists.txt.
"""
import pathlib
import re
import sys

LIBRARIES = {"hwy"}  # Highway spells its own headers with quotes, and its examples teach everyone to
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def main(table: str, src: str) -> int:
    allowed: dict[str, set[str]] = {}
    for line in pathlib.Path(table).read_text().splitlines():
        name, _, used = line.partition(":")
        allowed[name] = {name, *used.split()}
    root = pathlib.Path(src)
    problems = []
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".h", ".cc")):
        layer = path.relative_to(root).parts[0]
        is_test = path.stem.endswith("_test")
        for include in INCLUDE.findall(path.read_text(encoding="utf-8")):
            target = include.split("/")[0]
            if target in LIBRARIES or (target == "support" and is_test):
                continue  # tests/support is for tests only
            if target not in allowed:
                problems.append(f"{path}: \"{include}\" is not spelled from src/, or names no layer")
            elif target not in allowed.get(layer, set()):
                problems.append(f"{path}: layer {layer} must not include {target} (src/CMakeLists.txt says what it uses)")
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
