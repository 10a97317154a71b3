#!/usr/bin/env python3
"""The tables of bench/peers/run: what its rounds took, and how many times as long the peer takes. Medians say what is usual; the shortest of many
rounds, on both sides, say what the code takes where others share the processor."""
import collections
import json
import pathlib
import statistics
import sys
from collections.abc import Callable

SHAPES, SIZES = ("peaked", "zipf", "flat"), (50257, 128256, 151936, 262144)


Times = dict[tuple, list[float]]  # microseconds, by what, shape and vocabulary


def rounds(folder: pathlib.Path, name: str) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"{name}-*.json"))]


def main(folder: pathlib.Path) -> None:
    ours, llama, torch = (collections.defaultdict(list) for _ in range(3))
    for r in rounds(folder, "ours"):
        for b in r["benchmarks"]:
            name, n, shape = b["name"].rsplit("/", 2)
            ours[name, SHAPES[int(shape)], int(n)].append(b["real_time"])
    for r in rounds(folder, "llama"):
        for row in r["rows"]:
            llama[row["chain"], row["shape"], row["n"]].append(row["us"])
    for r in rounds(folder, "torch"):
        for row in r["rows"]:
            for what in ("entropy", "kl"):
                torch[what, row["shape"], row["n"]].append(row[f"{what}_us"])
    for title, statistic in (("Medians", statistics.median), ("The shortest", min)):
        print(f"{title} of {len(rounds(folder, 'ours'))} rounds:\n")
        table(ours, llama, torch, statistic)
        print()


def table(ours: Times, llama: Times, torch: Times, statistic: Callable[[list[float]], float]) -> None:
    us = lambda times, *key: statistic(times[key])
    print("| V | logits | draw A: us, x llama.cpp | draw B: us, x llama.cpp | full A: us, x, passes | full B: us, x, passes | 200 rows A / B, exp-sums | entropy: us, x PyTorch | KL: us, x PyTorch |")
    print("| --- " * 9 + "|")
    for n in SIZES:
        for shape in SHAPES:
            def against(bench: str, chain: str) -> str:
                mine = us(ours, f"{bench}/{chain}", shape, n)
                text = f"{mine:.0f}, {us(llama, chain, shape, n) / mine:.1f}x"
                return text if bench == "Draw" else f"{text}, {mine / us(ours, 'Entropy', shape, n):.1f}"
            entropy, kl = us(ours, "Entropy", shape, n), us(ours, "Kl", shape, n)
            exp_sum = us(ours, "ExpSum", shape, n)
            print(f"| {n:,} | {shape} | {against('Draw', 'A')} | {against('Draw', 'B')} | {against('Full', 'A')} | {against('Full', 'B')} | "
                  f"{us(ours, 'Rows/A', shape, n) / exp_sum:.1f} / {us(ours, 'Rows/B', shape, n) / exp_sum:.1f} | "
                  f"{entropy:.0f}, {us(torch, 'entropy', shape, n) / entropy:.1f}x | {kl:.0f}, {us(torch, 'kl', shape, n) / kl:.1f}x |")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
