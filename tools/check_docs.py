#!/usr/bin/env python3
"""Checks what the Markdown files of a checkout promise: that relative links and their #headings lead somewhere, and that every [D7],
in a document or in a comment, names a definition of docs/definitions.md; and that every definition is cited by code somewhere.

    check_docs.py ROOT
"""
import os
import pathlib
import re
import sys
import urllib.parse

PASSED_OVER = {".git", "build", "node_modules", "dist", ".peers", "test-results", "__pycache__"}
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.M | re.S)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|<(?:img|source|a)\b[^>]*?\b(?:src|srcset|href)=\"([^\"\s]+)\"")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.M)
ANCHOR = re.compile(r"<a\b[^>]*?\b(?:id|name)=\"([^\"]+)\"")
CITED = re.compile(r"\[(D\d+(?:, D\d+)*)\]")  # one or a list
DEFINED = re.compile(r"^(?:#+|\||[-*]|\*\*)[ \[*`]*(D\d+)\b", re.M)  # at the head of a heading, a table row or a list item


def files(root: pathlib.Path, suffixes: tuple[str, ...]) -> list[pathlib.Path]:
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in PASSED_OVER]
        found += [pathlib.Path(folder, name) for name in names if name.endswith(suffixes)]
    return sorted(found)


def anchors(text: str) -> set[str]:
    """The #names of a page's headings, as GitHub makes them."""
    names: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        copy = 0
        while (name := f"{slug}-{copy}" if copy else slug) in names:
            copy += 1
        names.add(name)
    return names | set(ANCHOR.findall(text))


def broken_links(root: pathlib.Path, page: pathlib.Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    problems = []
    for groups in LINK.findall(CODE.sub("", FENCE.sub("", text))):
        target = groups[0] or groups[1]
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue  # the web is not ours to check
        path, _, anchor = target.partition("#")
        path = urllib.parse.unquote(path)
        goal = (root / path[1:] if path.startswith("/") else page.parent / path) if path else page
        if not goal.exists():
            problems.append(f"{page.relative_to(root)}: no such file: {target}")
        elif anchor and goal.suffix == ".md" and anchor not in anchors(goal.read_text(encoding="utf-8")):
            problems.append(f"{page.relative_to(root)}: no such heading: {target}")
    return problems


def definitions_and_citations(root: pathlib.Path) -> list[str]:
    definitions = root / "docs" / "definitions.md"
    if not definitions.exists():
        return []
    known = set(DEFINED.findall(definitions.read_text(encoding="utf-8")))
    problems = []
    unused = set(known)
    for path in files(root, (".md", ".cc", ".h", ".ts", ".svelte")):
        cited = {d for group in CITED.findall(path.read_text(encoding="utf-8")) for d in group.split(", ")}
        problems += [f"{path.relative_to(root)}: [{d}] is not defined in docs/definitions.md" for d in sorted(cited - known)]
        if path.suffix != ".md":
            unused -= cited
    problems += [f"docs/definitions.md: {d} is cited by no code" for d in sorted(unused, key=lambda d: int(d[1:]))]
    return problems


def main(root: pathlib.Path) -> int:
    pages = files(root, (".md",))
    problems = [problem for page in pages for problem in broken_links(root, page)] + definitions_and_citations(root)
    for problem in problems:
        print(problem)
    print(f"{len(pages)} documents, {len(problems)} problems")
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
