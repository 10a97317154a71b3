#!/usr/bin/env python3
"""Writes random cases for one dialect as JSON lines: cases.py DIALECT N [SEED]. The settings are those the engine has, at values its users write."""
import json
import random
import struct
import sys


def f32(x: float) -> float:
    return struct.unpack("f", struct.pack("f", x))[0]


def logits(r: random.Random, n: int) -> list[float]:
    scale, offset = r.choice([0.5, 2, 4, 8]), r.choice([0, 0, 0, -30, 15])
    grid = r.choice([0, 0, 0, 0.5])  # ties, sometimes
    x = [r.gauss(0, scale) + offset for _ in range(n)]
    if grid:
        x = [round(v / grid) * grid for v in x]
    if r.random() < 0.3:
        x[r.randrange(n)] = offset + r.uniform(5, 25)
    return [f32(v) for v in x]


def common(r: random.Random) -> dict:
    s = {}
    def maybe(p, name, value):
        if r.random() < p:
            s[name] = value()
    maybe(0.8, "temperature", lambda: r.choice([0.2, 0.5, 0.7, 0.8, 1.0, 1.3, 2.0, round(r.uniform(0.1, 2), 3)]))
    maybe(0.6, "top_k", lambda: r.choice([1, 2, 5, 20, 40, 100]))
    maybe(0.7, "top_p", lambda: r.choice([0.1, 0.5, 0.8, 0.9, 0.95, 0.99, round(r.uniform(0.05, 1), 4)]))
    maybe(0.5, "min_p", lambda: r.choice([0.01, 0.05, 0.1, 0.3, round(r.uniform(0, 1), 4)]))
    maybe(0.3, "typical_p", lambda: r.choice([0.2, 0.5, 0.9, round(r.uniform(0.05, 0.99), 4)]))
    maybe(0.5, "repetition_penalty", lambda: r.choice([1.05, 1.1, 1.3, 2.0, 0.8]))
    return s


def transformers(r: random.Random, n: int) -> dict:
    s = common(r)
    s.setdefault("temperature", 1.0)
    s.setdefault("top_k", r.choice([0, 50]))
    s["do_sample"] = r.random() < 0.95
    def maybe(p, name, value):
        if r.random() < p:
            s[name] = value()
    maybe(0.2, "epsilon_cutoff", lambda: r.choice([3e-4, 0.01, 0.1]))
    maybe(0.2, "eta_cutoff", lambda: r.choice([3e-4, 0.01, 0.1]))
    maybe(0.2, "no_repeat_ngram_size", lambda: r.choice([1, 2, 3]))
    maybe(0.2, "suppress_tokens", lambda: [r.randrange(n) for _ in range(2)])
    maybe(0.2, "bad_words_ids", lambda: [[r.randrange(n)], [r.randrange(min(n, 8)), r.randrange(n)]])
    maybe(0.2, "sequence_bias", lambda: [{"tokens": [r.randrange(n)], "bias": round(r.uniform(-5, 5), 2)},
                                         {"tokens": [r.randrange(min(n, 8)), r.randrange(n)], "bias": 3.0}])
    return s


def llama_cpp(r: random.Random, n: int) -> dict:
    s = common(r)
    def maybe(p, name, value):
        if r.random() < p:
            s[name] = value()
    maybe(0.2, "top_n_sigma", lambda: r.choice([0.5, 1.0, 2.0]))
    maybe(0.3, "presence_penalty", lambda: round(r.uniform(-2, 2), 2))
    maybe(0.3, "frequency_penalty", lambda: round(r.uniform(-2, 2), 2))
    maybe(0.4, "repeat_last_n", lambda: r.choice([0, 1, 8, 64]))
    maybe(0.2, "dry_multiplier", lambda: round(r.uniform(0.1, 2), 2))
    if "dry_multiplier" in s:
        s["dry_allowed_length"] = r.choice([1, 2, 3])
        s["dry_penalty_last_n"] = r.choice([16, 64, 1000])
    if r.random() < 0.2:
        s["xtc_probability"], s["xtc_threshold"] = 1.0, r.choice([0.05, 0.1, 0.3])
    if r.random() < 0.15:
        s["dynatemp_range"], s["dynatemp_exponent"] = r.choice([0.2, 0.5]), r.choice([1.0, 0.5, 2.0])
    maybe(0.2, "logit_bias", lambda: [{"tokens": r.randrange(n), "bias": round(r.uniform(-5, 5), 2)}])
    maybe(0.1, "min_keep", lambda: r.choice([1, 2, 5]))
    if r.random() < 0.1:
        s["samplers"] = "".join(r.sample("edskypmxt", r.randrange(1, 10)))
    if r.random() < 0.05:
        s["mirostat"], s["mirostat_tau"] = r.choice([1, 2]), r.choice([2.0, 4.0, 5.0])
    return s


def main(dialect: str, n_cases: int, seed: int) -> None:
    make = {"transformers": transformers, "llama.cpp": llama_cpp}[dialect]
    r = random.Random(seed)
    for _ in range(n_cases):
        n = r.choice([5, 8, 20, 60, 150, 400])
        few = min(n, r.choice([3, 8, 400]))
        history = [r.randrange(few) for _ in range(r.randrange(1, 30))]
        print(json.dumps({"logits": logits(r, n), "history": history, "prompt_length": r.randrange(1, len(history) + 1),
                          "sampler": {"dialect": dialect, **make(r, n)}}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
