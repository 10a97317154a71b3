"""Writes models/ATTRIBUTION.md from the corpus' own tables: who wrote what the model was trained on.

    python3 attribution.py --corpus ../shared/data/corpus --out models/ATTRIBUTION.md
"""
from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

HEAD = """# Attribution

Made by `training/attribution.py` from the tables that come with the training corpus. The default model was trained on
these texts, among others named in [README.md](README.md); none of them is contained in this repository.

"""
COLLECTIONS = {"Pratham Books StoryWeaver": "https://storyweaver.org.in", "African Storybook Project": "https://africanstorybook.org"}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


def storybooks(rows: list[dict[str, str]]) -> str:
    """One line per text author; after a slash, who translated or adapted."""
    out = []
    for collection, address in COLLECTIONS.items():
        titles: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            if row["collection"] != collection:
                continue
            adapted = row["translation_or_adaptation"].strip()
            free = " (public domain)" if "Public Domain" in row["licence"] else ""
            titles[row["text_by"].strip() or "author not named"].append(
                row["title"].strip() + (f" / {adapted}" if adapted else "") + free)
        count = sum(map(len, titles.values()))
        out.append(f"## {collection}: {count} stories, CC BY 4.0 unless marked\n\n{address}; cleaned to plain text, "
                   "pictures and page breaks removed. Author: titles; a name after / translated or adapted.\n\n")
        out += [f"- {author}: {'; '.join(sorted(t))}\n" for author, t in sorted(titles.items(), key=lambda x: x[0].lower())]
        out.append("\n")
    return "".join(out)


def classics(rows: list[dict[str, str]]) -> str:
    out = ["## Books in the public domain in the United States\n\n"]
    for file in ("childrens_classics.txt", "general_classics.txt"):
        books: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            if row["file"] == file:
                books[row["author"].strip()].append(row["title"].strip())
        out.append(f"### {file} ({sum(map(len, books.values()))})\n\n")
        out += [f"- {author}: {'; '.join(sorted(t))}\n" for author, t in sorted(books.items())]
        out.append("\n")
    return "".join(out).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/data/corpus"))
    parser.add_argument("--out", type=Path, default=Path("models/ATTRIBUTION.md"))
    args = parser.parse_args()
    args.out.write_text(HEAD + storybooks(rows_of(args.corpus / "attribution_storybooks.tsv"))
                        + classics(rows_of(args.corpus / "classics_index.tsv")), encoding="utf-8")


if __name__ == "__main__":
    main()
