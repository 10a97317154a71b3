#!/usr/bin/env python3
"""Compares two files of answers, ours first: compare.py CASES OURS THEIRS. Kept sets must be the same, and probabilities within float32 rounding.
A difference is explained where our trace says that a decision lay on its boundary (D37), or by name. Exit status 1 when one is not."""
import collections
import json
import sys

SHOWN = 5


def agree(ours: dict, theirs: dict) -> str:
    """"" or what differs."""
    if "error" in ours or "error" in theirs:
        return "" if ("error" in ours) == ("error" in theirs) else "one refuses"
    if ours["kept"] != theirs["kept"]:
        return "kept"
    for p, q in zip(ours["probs"], theirs["probs"]):
        # their logits are float32: a division or penalty of a logit 60 below the best is 4e-6 off, a normaliser more
        if abs(p - q) > 2e-5 * max(p, q) + 1e-7:
            return "probabilities"
    return ""


def known(case: dict) -> str:
    """Differences that docs/dialects.md explains with an example."""
    sampler = case["sampler"]
    sequences = [b["tokens"] for b in sampler.get("sequence_bias", [])] + sampler.get("bad_words_ids", [])
    if sampler["dialect"] == "transformers" and any(len(s) == len(case["history"]) + 1 for s in sequences):
        return "a sequence one longer than the text is passed over there"
    order = sampler.get("samplers", "edskypmxt")
    sigma = order.find("s") if sampler["dialect"] == "llama.cpp" and sampler.get("top_n_sigma", -1) > 0 else 99
    if sampler.get("typical_p", 1) < 1 and 0 <= sigma < order.find("y"):
        return "typical_p after top_n_sigma is NaN there"
    if sampler.get("min_keep", 0) > 1 and sampler.get("dynatemp_range", 0) > 0 and 0 <= sigma < order.find("t"):
        return "min_keep keeps tokens of logit -inf there, and the dynamic temperature counts them"
    return ""


def main(cases: str, ours: str, theirs: str) -> int:
    counts: collections.Counter = collections.Counter()
    unexplained = []
    for case, a, b in zip(*(open(path, encoding="utf-8") for path in (cases, ours, theirs)), strict=True):
        mine, other = json.loads(a), json.loads(b)
        what = agree(mine, other)
        why = "on a boundary" if mine.get("boundary", False) else known(json.loads(case))
        counts["same" if not what else f"{what}: {why or 'UNEXPLAINED'}"] += 1
        if what and not why:
            unexplained.append((what, case, mine, other))
    for what, case, mine, other in unexplained[:SHOWN]:
        print(f"{what}: {case.strip()[:1500]}\n  ours   {json.dumps(mine)[:600]}\n  theirs {json.dumps(other)[:600]}")
    print(", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    return 1 if unexplained or not counts else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
