#!/usr/bin/env python3
"""Compares two files of answers, ours first: compare.py CASES OURS THEIRS. Kept sets must be the same, and probabilities within float32 rounding.
A difference is explained only where our trace says that a stage decided on its edge (D37), where the peer says that it stumbled (quirks), or by a
name that docs/dialects.md has. Exit status 1 when one is not."""
import collections
import json
import sys

SHOWN = 5


def close(p: float, q: float, tolerance: float = 2e-5) -> bool:
    return abs(p - q) <= tolerance * max(p, q) + 1e-7


def rounding(case: dict) -> float:
    """How far their float32 can be off in a probability: some roundings of the largest logit, in the units of the last temperature."""
    s = case["sampler"]
    largest = max(abs(x) for x in case["logits"] if x is not None) + sum(abs(b["bias"] or 0) for b in s.get("logit_bias", []))
    largest += abs(s.get("presence_penalty", 0)) + 30 * abs(s.get("frequency_penalty", 0))
    largest *= max(s.get("repetition_penalty", 1), 1)
    return 2e-5 + 4 * 2 ** -24 * largest / max(s.get("temperature", 0.8) - s.get("dynatemp_range", 0), 0.01)


def agree(case: dict, ours: dict, theirs: dict) -> str:
    """"" or what differs."""
    if "error" in ours or "error" in theirs:
        return "" if ("error" in ours) == ("error" in theirs) else "one refuses"
    if ours["kept"] != theirs["kept"]:
        return "kept"
    tolerance = rounding(case)
    return "" if all(close(p, q, tolerance) for p, q in zip(ours["probs"], theirs["probs"])) else "probabilities"


def tied(ours: dict, theirs: dict) -> bool:
    """As many tokens of the same probabilities, but others of those that tie."""
    p, q = sorted(ours.get("probs", [])), sorted(theirs.get("probs", []))
    return len(p) == len(q) and all(map(close, p, q))


def explanation(case: dict, ours: dict, theirs: dict) -> str:
    sampler = case["sampler"]
    if tied(ours, theirs):
        return "another of tied tokens"  # of logits that are the same, or would be but for a rounding of their penalties
    if theirs.get("quirks"):
        return "; ".join(theirs["quirks"])
    if ours.get("boundary"):
        return "on the edge of " + ", ".join(sorted(set(ours["boundary"])))
    sequences = [b["tokens"] for b in sampler.get("sequence_bias", [])] + sampler.get("bad_words_ids", [])
    if sampler["dialect"] == "transformers" and any(len(s) == len(case["history"]) + 1 for s in sequences):
        return "a sequence one longer than the text is passed over there"
    return ""


def main(cases: str, ours: str, theirs: str) -> int:
    counts: collections.Counter = collections.Counter()
    unexplained = []
    for case, a, b in zip(*(open(path, encoding="utf-8") for path in (cases, ours, theirs)), strict=True):
        asked, mine, other = map(json.loads, (case, a, b))
        what = agree(asked, mine, other)
        why = explanation(asked, mine, other) if what else ""
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
