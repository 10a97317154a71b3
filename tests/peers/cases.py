#!/usr/bin/env python3
"""Writes random cases for one dialect as JSON lines: cases.py DIALECT N SEED [SETTING ...], without the settings named. The settings are those the engine has: mostly at values its users
write, sometimes at the ends of their ranges and beyond. null is -inf."""
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
    if r.random() < 0.04:  # a mask, as a grammar leaves it
        for i in r.sample(range(n), n // 3):
            x[i] = float("-inf")
    return [f32(v) for v in x]


class Settings(dict):
    def __init__(self, r: random.Random):
        super().__init__()
        self.r = r

    def maybe(self, chance: float, **settings) -> None:
        """Each with this chance: one of a list, or what a function gives."""
        for name, value in settings.items():
            if self.r.random() < chance:
                self[name] = value() if callable(value) else self.r.choice(value)

    def common(self) -> None:
        r = self.r
        self.maybe(0.8, temperature=lambda: r.choice([0.2, 0.5, 0.7, 0.8, 1.0, 1.3, 2.0, round(r.uniform(0.1, 2), 3)]))
        self.maybe(0.6, top_k=[1, 2, 5, 20, 40, 100, 100000])
        self.maybe(0.7, top_p=lambda: r.choice([0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0, round(r.uniform(0.05, 1), 4)]))
        self.maybe(0.5, min_p=lambda: r.choice([0.0, 0.01, 0.05, 0.1, 0.3, 1.0, round(r.uniform(0, 1), 4)]))
        self.maybe(0.5, repetition_penalty=[1.05, 1.1, 1.3, 2.0, 0.8])


def transformers(s: Settings, n: int) -> None:
    r = s.r
    s.common()
    s.setdefault("temperature", 1.0)
    s.setdefault("top_k", r.choice([0, 50]))
    s["do_sample"] = r.random() < 0.95
    s.maybe(0.3, typical_p=lambda: r.choice([0.2, 0.5, 0.9, 1.0, round(r.uniform(0.05, 0.99), 4)]))
    s.maybe(0.2, epsilon_cutoff=[3e-4, 0.01, 0.1], eta_cutoff=[3e-4, 0.01, 0.1], no_repeat_ngram_size=[1, 2, 3])
    s.maybe(0.2, suppress_tokens=lambda: [r.randrange(n) for _ in range(2)])
    s.maybe(0.2, bad_words_ids=lambda: [[r.randrange(n)], [r.randrange(min(n, 8)), r.randrange(n)]])
    s.maybe(0.2, sequence_bias=lambda: [{"tokens": [r.randrange(n)], "bias": round(r.uniform(-5, 5), 2)},
                                        {"tokens": [r.randrange(min(n, 8)), r.randrange(n)], "bias": 3.0}])
    s.maybe(0.1, encoder_repetition_penalty=[1.1, 1.5, 0.7], encoder_no_repeat_ngram_size=[1, 2, 3], top_h=[0.2, 0.4, 0.8, 1.0])
    if r.random() < 0.15:
        s["min_new_tokens"], s["eos_token_id"] = r.choice([0, 1, 5, 100]), [r.randrange(n)]
    if r.random() < 0.04:
        s.update(r.choice([{"temperature": 0.0}, {"temperature": -1.0}, {"top_p": 1.5}, {"top_p": 0.0}, {"top_k": -1}, {"min_p": 1.5}, {"min_p": -0.1},
                           {"typical_p": 0.0}, {"repetition_penalty": 0.0}, {"epsilon_cutoff": 1.5}, {"eta_cutoff": -0.5}, {"top_h": 0.0}]))


def llama_cpp(s: Settings, n: int) -> None:
    r = s.r
    s.common()
    s.maybe(0.3, typical_p=lambda: r.choice([0.0, 0.2, 0.5, 0.9, 1.0, round(r.uniform(0.05, 0.99), 4)]))
    s.maybe(0.2, top_n_sigma=[0.5, 1.0, 2.0, 0.0, -1.0])
    s.maybe(0.3, presence_penalty=lambda: round(r.uniform(-2, 2), 2), frequency_penalty=lambda: round(r.uniform(-2, 2), 2))
    s.maybe(0.4, repeat_last_n=[0, 1, 8, 64])
    s.maybe(0.2, dry_multiplier=lambda: round(r.uniform(0.1, 2), 2))
    if "dry_multiplier" in s:
        s["dry_allowed_length"], s["dry_penalty_last_n"] = r.choice([1, 2, 3]), r.choice([16, 64, 1000])
        s.maybe(0.3, dry_base=[1.2, 3.0])
    if r.random() < 0.2:
        s["xtc_probability"], s["xtc_threshold"] = 1.0, r.choice([0.05, 0.1, 0.3, 0.6])  # its coin is another one here
    if r.random() < 0.15:
        s["dynatemp_range"], s["dynatemp_exponent"] = r.choice([0.2, 0.5, 3.0]), r.choice([1.0, 0.5, 2.0])
    s.maybe(0.2, logit_bias=lambda: [{"tokens": i, "bias": r.choice([round(r.uniform(-5, 5), 2), 200.0, None])}
                                     for i in r.sample(range(n), r.choice([1, 3]))])
    s.maybe(0.1, min_keep=[0, 1, 2, 5])
    if r.random() < 0.1:
        s["samplers"] = "".join(r.sample("edskypmxt", r.randrange(1, 10)))
    if r.random() < 0.08:
        s["samplers"] = s.get("samplers", "edskypmxt") + "a"
        s["adaptive_target"], s["adaptive_decay"] = r.choice([-1.0, 0.0, 0.1, 0.5, 1.0]), r.choice([0.0, 0.9])
    if r.random() < 0.05:
        s["mirostat"], s["mirostat_tau"] = r.choice([1, 2]), r.choice([2.0, 4.0, 5.0])
    if r.random() < 0.06:
        s.update(r.choice([{"temperature": 0.0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}, {"min_p": 2.0}, {"top_k": -1}]))


def vllm(s: Settings, n: int) -> None:
    r = s.r
    s.common()
    s.maybe(0.3, presence_penalty=lambda: round(r.uniform(-2, 2), 2), frequency_penalty=lambda: round(r.uniform(-2, 2), 2))
    s.maybe(0.2, logit_bias=lambda: [{"tokens": i, "bias": r.choice([round(r.uniform(-5, 5), 2), 150.0, -1e6])} for i in r.sample(range(n), r.choice([1, 3]))])
    s.maybe(0.1, allowed_token_ids=lambda: r.sample(range(n), n // 2 + 1))
    s.maybe(0.2, bad_words_ids=lambda: [[r.randrange(n)], [r.randrange(min(n, 8)), r.randrange(n)]])
    if r.random() < 0.15:
        s["min_new_tokens"], s["eos_token_id"] = r.choice([0, 1, 5, 100]), [r.randrange(n)]
    if r.random() < 0.08:
        s.update(r.choice([{"temperature": 0.0}, {"temperature": 1e-6}, {"temperature": 0.005}, {"temperature": -0.5}, {"temperature": 2.5}, {"top_p": 0.0},
                           {"top_p": 1.5}, {"top_k": -1}, {"top_k": -2}, {"min_p": 1.5}, {"presence_penalty": 2.5}, {"repetition_penalty": 0.0}]))


def main(dialect: str, n_cases: int, seed: int, without: list[str]) -> None:
    make = {"transformers": transformers, "llama.cpp": llama_cpp, "vllm": vllm}[dialect]
    r = random.Random(seed)
    for _ in range(n_cases):
        n = 6000 if r.random() < 0.002 else r.choice([5, 8, 20, 60, 150, 400])
        few = min(n, r.choice([3, 8, 400]))
        history = [r.randrange(few) for _ in range(r.randrange(1, 30))]
        settings = Settings(r)
        make(settings, n)
        for name in without:
            settings.pop(name, None)
        print(json.dumps({"logits": [x if x > float("-inf") else None for x in logits(r, n)], "history": history,
                          "prompt_length": r.randrange(1, len(history) + 1), "sampler": {"dialect": dialect, **settings}}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
