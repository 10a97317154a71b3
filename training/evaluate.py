"""Everything models/README.md says about how good the model is, by one command.

    python3 training/evaluate.py --f32 build/training/tales-f32.gguf --bins build/training/bins \
        --peer stories260K=stories260K-f32.gguf --peer TinyStories-656K=tinystories-656k-f32.gguf

Bits per byte: NLL over all tokens of a text, in bits, divided by the bytes of the file, so that models with different
vocabularies compare fairly. The windows follow `scored_windows` in numpy_llama.py, which is also the rule of `logitpeek
score`. Beside the model: the same weights before quantisation (and what quantisation costs, as KL divergence), the peers, an n-gram
model of the same corpus, xz; and the calibration of the model's probabilities on one text.

Writes evaluation.json, training-curve.svg and reliability.svg beside the card, and the part of the card between its
`evaluation` marks.
"""
from __future__ import annotations

import argparse
import csv
import json
from itertools import groupby
from pathlib import Path

import numpy as np

import charts
import measure
from calibration import Reliability
from ngram import NGram, training_stream
from numpy_llama import NumpyLlama, tokenizer_of

BEGIN, END = "<!-- evaluation: written by training/evaluate.py -->", "<!-- end of evaluation -->"


def evaluated(args: argparse.Namespace, texts: dict[str, Path]) -> dict:
    model, reference = NumpyLlama(args.model, np.float32), NumpyLlama(args.f32, np.float32)
    tokenizer = tokenizer_of(model.metadata)
    peers = [(name, NumpyLlama(Path(path), np.float32)) for name, path in (p.split("=", 1) for p in args.peer)]
    ngram = NGram(training_stream(args.bins), len(tokenizer), 5)
    xz = measure.xz_bits(texts)
    calibration = Reliability()
    rows = {}
    for name, path in texts.items():
        text = path.read_text()
        ids = tokenizer.encode(text)
        row = {"bytes": path.stat().st_size,
               "ours": measure.score_text(model, ids, reference, calibration if name == args.calibrate_on else None)}
        for peer, it in peers:
            row[peer] = measure.score_text(it, tokenizer_of(it.metadata).encode(text))
        row["5-gram"] = {"bits": round(float(-np.log2(ngram.probabilities(np.array([0, *ids]))).sum()), 3)}
        row["`xz -9`"] = {"bits": xz[name]}
        rows[name] = row
        print(name, row, flush=True)
    return {"sha256": measure.sha256(args.model), "texts": rows,
            "calibration": {"text": args.calibrate_on, "top1": calibration.top1(), "all": calibration.all()}}


def table(rows: dict[str, dict]) -> list[str]:
    others = [key for key in next(iter(rows.values())) if key not in ("bytes", "ours")]
    lines = ["| text | bytes | ours, F32 | ours, Q8_0 | " + " | ".join(others) + " |", "| --- |" + " ---: |" * (3 + len(others))]
    for name, row in rows.items():
        bits = [row["ours"]["reference_bits"], row["ours"]["bits"], *(row[o]["bits"] for o in others)]
        lines.append(f"| {name} | {row['bytes']:,} | " + " | ".join(f"{b / row['bytes']:.3f}" for b in bits) + " |")
    return lines


def words(found: dict) -> list[str]:
    """The section of the card."""
    lines = [BEGIN, "", *table(found["texts"]), ""]
    name, calibration = found["calibration"]["text"], found["calibration"]
    ours, top, every = found["texts"][name]["ours"], calibration["top1"], calibration["all"]
    lines += [
        f"What Q8_0 costs, on {name} ({ours['tokens']:,} tokens): {ours['kl_sum_bits'] / ours['tokens']:.5f} bits of KL divergence from "
        f"F32 on average, {ours['kl_max_bits']:.4f} at most; the same first choice at {ours['same_top1']:.1%} of positions.", "",
        f"Calibration on {name}: the first choice has {top['expected']:.1%} on average and is right {top['seen']:.1%} of the time. The "
        f"expected calibration error, over {len(top['bins'])} bins of equal size, is **{top['error']:.2%}** (a perfectly calibrated model "
        f"would show {top['noise']:.2%} on as many positions); over every token of the vocabulary, in bins of equal mass, "
        f"{every['error']:.2%} ({every['noise']:.2%}).", "",
        "![Reliability diagram](reliability.svg)", "", END]
    return lines


def legs_of(log: Path) -> list[list[dict[str, float]]]:
    rows = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(log.open())]
    return [list(leg) for _, leg in groupby(rows, key=lambda row: row["leg"])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/logitpeek-tales-q8_0.gguf"))
    parser.add_argument("--f32", type=Path, required=True, help="the same model before quantisation (export_gguf.py --type f32)")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--texts", type=Path, default=Path("../shared/data/texts"), help="a folder of .txt")
    parser.add_argument("--bins", type=Path, default=Path("build/training/bins"), help="of data.py: what the 5-gram is counted from")
    parser.add_argument("--calibrate-on", default="fairy_tale", help="one of the texts")
    parser.add_argument("--card", type=Path, default=Path("models/README.md"))
    args = parser.parse_args()
    found = evaluated(args, {path.stem: path for path in sorted(args.texts.glob("*.txt"))})
    folder = args.card.parent
    (folder / "evaluation.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "training-curve.svg").write_text(charts.training_curve(legs_of(folder / "training-log.csv")))
    (folder / "reliability.svg").write_text(charts.reliability(found["calibration"]["top1"], found["calibration"]["all"]))
    before, rest = args.card.read_text().split(BEGIN)
    args.card.write_text(before + "\n".join(words(found)) + rest.split(END)[1])


if __name__ == "__main__":
    main()
