"""Choices compared at equal compute: one small run each, from the same seed, ended after the same number of operations.

    python3 training/compare_choices.py --corpus ../shared/data/corpus --out build/training/choices

The base is a ninth of the shipped model's size, so that the whole table takes an hour of one core; every other run changes one thing. A
token costs 6 operations per weight of a matrix it meets (the head among them, the embedding not) and 6 per layer, position
and width for attention (Hoffmann et al., 2022, appendix F); a run has as many steps as the budget pays. The end is judged on the
held-out stories, in bits per byte, which compares vocabularies fairly. `base, another seed` says how much is noise.

Results are kept as they come, in OUT/choices.csv: runs that are there are not run again. Prints the table of training/README.md.
"""
from __future__ import annotations

import argparse
import csv
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BASE = {"vocab": 4096, "layers": 4, "d_model": 128, "heads": 2, "kv_heads": 1, "d_ff": 352, "context": 256, "batch": 8}
CHOICES: dict[str, dict[str, object]] = {
    "base": {},
    "base, another seed": {"seed": 2},
    "vocabulary 2,048": {"vocab": 2048},
    "vocabulary 8,192": {"vocab": 8192},
    "deeper and narrower": {"layers": 12, "d_model": 64, "heads": 1, "kv_heads": 1, "d_ff": 192},
    "wider and shallower": {"layers": 2, "d_model": 192, "heads": 3, "kv_heads": 1, "d_ff": 512},
    "mix: even": {"mix": "even"},
    "mix: stories only": {"mix": "simple stories"},
    "mix: old books": {"mix": "old books"},
    "learning rates halved": {"muon_lr": 0.006, "adam_lr": 0.001},
    "learning rates doubled": {"muon_lr": 0.024, "adam_lr": 0.004},
    "cosine": {"cosine": True},
    "falling from the start": {"decay": 0.0},
    "dropout 0.1": {"dropout": 0.1},
    "a head of its own": {"untied": True},
    "half the layers": {"layers": 2},
    "twice the layers": {"layers": 8},
}


def operations_per_token(c: dict) -> int:
    d, kv = c["d_model"], c["d_model"] // c["heads"] * c["kv_heads"]
    matrices = c["layers"] * (2 * d * d + 2 * d * kv + 3 * d * c["d_ff"]) + c["vocab"] * d
    return 6 * matrices + 6 * c["layers"] * c["context"] * d


def python(*words: object) -> str:
    done = subprocess.run([sys.executable, *map(str, words)], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def bins_of(vocab: int, args: argparse.Namespace) -> Path:
    if vocab == BASE["vocab"] and args.bins:
        return args.bins
    bins, tokenizer = args.out / f"bins-{vocab}", args.out / f"tokenizer-{vocab}.json"
    if not (bins / "sizes.json").exists():
        python(HERE / "tokenizer.py", "--corpus", args.corpus, "--out", tokenizer, "--vocab", vocab)
        python(HERE / "data.py", "--corpus", args.corpus, "--tokenizer", tokenizer, "--out", bins)
    return bins


def run(name: str, changes: dict[str, object], args: argparse.Namespace) -> list[object]:
    c = {**BASE, **changes}
    decay = c.pop("decay", 0.6)
    per_step = c["context"] * c["batch"]
    steps = round(args.operations / operations_per_token(c) / per_step)
    flags = ["--bins", bins_of(c["vocab"], args), "--out", args.out / re.sub(r"\W+", "-", name), "--steps", steps,
             "--decay-at-step", round(decay * steps), "--warmup", 20, "--val-every", 10**9]
    for key, value in c.items():
        flags += ["--" + key.replace("_", "-")] + ([] if value is True else [value])
    said = python(HERE / "train.py", *flags)
    parameters, bpb = (re.search(p, said)[1] for p in (r"(\d+) parameters", r"validation ([\d.]+) bits"))
    return [name, parameters, steps * per_step, bpb]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/data/corpus"))
    parser.add_argument("--bins", type=Path, help="of the base's vocabulary, where they are made already")
    parser.add_argument("--out", type=Path, default=Path("build/training/choices"))
    parser.add_argument("--operations", type=float, default=4e12, help="of each run")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    table = args.out / "choices.csv"
    done = {row[0]: row for row in csv.reader(table.open())} if table.exists() else {}
    for name, changes in CHOICES.items():
        if name not in done:
            done[name] = [str(x) for x in run(name, changes, args)]
            with table.open("a", newline="") as file:
                csv.writer(file).writerow(done[name])
        print("| {} | {:,} | {:,} | {} |".format(name, *map(int, done[name][1:3]), done[name][3]), flush=True)


if __name__ == "__main__":
    main()
