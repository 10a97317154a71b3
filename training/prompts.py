#!/usr/bin/env python3
"""Measures the example prompts of the page on the shipped model and writes their figures beside them.

    prompts.py LOGITPEEK web/src/lib/course/prompts.json [--check]

Figures are of the raw distribution after the prompt: entropy in bits, the leading token and its probability, how many tokens hold 0.9
together, what the first 40 hold; for a loop, the period of the greedy text (the least n such that its last 3 n tokens are three times the same).
--check only says which prompts no longer are what they are shown for.
"""
import json
import subprocess
import sys


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def period(ids: list[int]) -> int | None:
    for n in range(1, len(ids) // 3 + 1):
        last = ids[-n:]
        if ids[-2 * n:-n] == last and ids[-3 * n:-2 * n] == last:
            return n
    return None


def figures(program: str, prompt: dict) -> dict:
    answer = json.loads(run(program, "next", "-p", prompt["text"], "--top", "0", "--json"))
    probabilities = [row["prob_raw"] for row in answer["tokens"]]
    total, n90 = 0.0, 0
    while total < 0.9:
        total += probabilities[n90]
        n90 += 1
    found = {
        "entropy_bits": round(answer["metrics"]["raw_entropy_bits"], 3),
        "top1_text": answer["tokens"][0]["text"],
        "top1_prob": round(probabilities[0], 4),
        "top2_prob": round(probabilities[1], 4),
        "n_for_p90": n90,
        "mass_of_40": round(sum(probabilities[:40]), 4),
    }
    if prompt["kind"] == "loop":
        text = json.loads(run(program, "generate", "-p", prompt["text"], "-n", "150", "--temperature", "0", "--json"))
        found["greedy_period"] = period([token["id"] for token in text["tokens"]])
    return found


# What each kind must show, with the figures of its prompt.
KINDS = {
    "certain": lambda f: f["entropy_bits"] < 0.5,
    "open": lambda f: f["entropy_bits"] > 6,
    "split": lambda f: f["top1_prob"] + f["top2_prob"] > 0.6 and f["top2_prob"] > 0.15,
    "loop": lambda f: f["greedy_period"] is not None,
    "k_wastes": lambda f: f["n_for_p90"] <= 2,
    "k_starves": lambda f: f["mass_of_40"] < 0.6,
    "p_narrow": lambda f: f["n_for_p90"] <= 20,
    "p_wide": lambda f: f["n_for_p90"] >= 200,
    "out_of_domain": lambda f: f["entropy_bits"] > 4,
    "half_word": lambda f: f["top1_prob"] > 0.3 and not f["top1_text"].startswith(" "),
}


def main() -> None:
    program, path = sys.argv[1:3]
    prompts = json.load(open(path, encoding="utf-8"))
    wrong = []
    for prompt in prompts:
        prompt["figures"] = figures(program, prompt)
        if not KINDS[prompt["kind"]](prompt["figures"]):
            wrong.append(prompt)
    for prompt in wrong:
        print(f"{prompt['text']!r} is not {prompt['kind']}: {prompt['figures']}", file=sys.stderr)
    if "--check" not in sys.argv:
        with open(path, "w", encoding="utf-8") as out:
            json.dump(prompts, out, indent=1, ensure_ascii=False)
            out.write("\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
