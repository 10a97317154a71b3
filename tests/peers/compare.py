#!/usr/bin/env python3
"""Compares two files of answers, ours first: compare.py CASES OURS THEIRS. Kept sets must be the same, and probabilities within float32 rounding.
A difference is explained only where our trace says that a stage decided on its edge (D37), where the peer says that it stumbled (quirks), or by a
name that docs/dialects.md has. Exit status 1 when one is not."""
import collections
import json
import sys

SHOWN = 5


def close(p: float, q: float) -> bool:
    # their logits are float32: a division or penalty of a logit 60 below the best is 4e-6 off, a normaliser more
    return abs(p - q) <= 2e-5 * max(p, q) + 1e-7


def agree(ours: dict, theirs: dict) -> str:
    """"" or what differs."""
    if "error" in ours or "error" in theirs:
        return "" if ("error" in ours) == ("error" in theirs) else "one refuses"
    if ours["kept"] != theirs["kept"]:
        return "kept"
    return "" if all(map(close, ours["probs"], theirs["probs"])) else "probabilities"


def tied(ours: dict, theirs: dict) -> bool:
    """As many tokens of the same probabilities, but others of those that tie."""
    p, q = sorted(ours.get("probs", [])), sorted(theirs.get("probs", []))
    return len(p) == len(q) and all(map(close, p, q))


def likely(answer: dict) -> list[int]:
    """The tokens whose probability float32 can hold."""
    return [i for i, p in zip(answer.get("kept", []), answer.get("probs", [])) if p > 1e-37]


def explanation(case: dict, ours: dict, theirs: dict) -> str:
    sampler = case["sampler"]
    if theirs.get("quirks"):
        return "; ".join(theirs["quirks"])
    if ours.get("boundary"):
        return "another of tied tokens" if tied(ours, theirs) else "on the edge of " + ", ".join(sorted(set(ours["boundary"])))
    if sampler.get("dynatemp_range", 0) > 0 and likely(ours) == likely(theirs):
        return "an entropy that is 0 in float32 makes the dynamic temperature 0"
    sequences = [b["tokens"] for b in sampler.get("sequence_bias", [])] + sampler.get("bad_words_ids", [])
    if sampler["dialect"] == "transformers" and any(len(s) == len(case["history"]) + 1 for s in sequences):
        return "a sequence one longer than the text is passed over there"
    return ""


def main(cases: str, ours: str, theirs: str) -> int:
    counts: collections.Counter = collections.Counter()
    unexplained = []
    for case, a, b in zip(*(open(path, encoding="utf-8") for path in (cases, ours, theirs)), strict=True):
        mine, other = json.loads(a), json.loads(b)
        what = agree(mine, other)
        why = explanation(json.loads(case), mine, other) if what else ""
        counts[("refused by both" if "error" in mine else "same") if not what else f"{what}: {why or 'UNEXPLAINED'}"] += 1
        if what and not why:
            unexplained.append((what, case, mine, other))
    for what, case, mine, other in unexplained[:SHOWN]:
        text = case if len(case) < 1500 else f"{case[:100]} ... {case[case.index('history') - 2:]}"
        print(f"{what}: {text.strip()}\n  ours   {json.dumps(mine)[:300]}\n  theirs {json.dumps(other)[:300]}")
    print("\n".join(f"  {n:6} {what}" for what, n in sorted(counts.items())))
    return 1 if unexplained or not counts else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
