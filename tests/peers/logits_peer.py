#!/usr/bin/env python3
"""Every architecture and every tensor type, here, in llama.cpp and in double precision: log-probabilities of the whole vocabulary.

    logits_peer.py LOGITPEEK [REAL.gguf ...]

Synthetic models of a few shapes (synthetic_models.py), quantised by llama.cpp itself, then the real files. For each file the largest difference
of a log-probability, in nats:

  ours    logitpeek against the double-precision pass (double_model.py). With F32, F16 and BF16 weights it rounds to float32 and nothing else:
          at most FLOAT. Where weights are of a block type, activations are rounded to 16 bits: what that does is measured by the pass with
          and without it (`16 bits`). An activation on a step's edge falls to the other side in float32 and moves everything behind it, so that
          logitpeek's error is another sample of the same kind: at most OURS times `16 bits`, plus FLOAT.
  as F32  logitpeek against llama.cpp on the same weights, decoded to F32 by llama.cpp: at most SAME. Where llama.cpp computes something else
          even then (GELU from a table in F16 or by another formula, no sliding window), the double-precision pass with that departure must
          find llama.cpp: at most SAME again where nothing is rounded; where the table is, no further than what the table does, neither at
          worst nor on the median.
  as is   logitpeek against llama.cpp on the file itself. It rounds activations to F16, BF16, Q8_0, Q8_1 or Q8_K before it multiplies; what that
          does to these weights is measured by the double-precision pass with and without it (`rounding`). llama.cpp lands where that pass with
          rounding does (within 1e-5 at half of the positions for most types), but for activations that lie on a step's edge: they fall to the
          other side in float32, and everything behind them moves. At worst llama.cpp's error is another sample of the same kind, whose largest
          value is another one: at most ROUNDING times `rounding`, plus SAME. Largest seen: 1.5 times.
"""
from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import synthetic_models
from double_model import OURS as OURS_WAY, PEER, DoubleModel
from llama_cpp_model import FILE_TYPES, MIXES, LlamaCpp, log_softmax, quantise

N_TOKENS = 40  # more than the windows hold
FLOAT, OURS, SAME, ROUNDING = 1e-4, 2.0, 1e-3, 2.0
GELU = ("gemma", "gemma2", "gemma3", "gpt2", "gptneox")  # which the peer reads from a table
K_TYPES = MIXES | {kind for kind in FILE_TYPES if kind.endswith("_K") or kind == "IQ4_XS"}  # blocks of 256


def kinds(model: synthetic_models.Model) -> list[str]:
    """Every type in the first shape; all that fit rows of 32 in the odd one; of those in between a few."""
    if model.n_embd % 256 or model.n_ff % 256:
        return [kind for kind in FILE_TYPES if kind not in K_TYPES]
    return list(FILE_TYPES) if model.n_embd == 256 else ["F32", "F16", "Q8_0", "Q4_K", "Q6_K"]


@dataclass
class Row:
    """Largest differences over the vocabulary, by position [T]."""
    ours: np.ndarray
    sixteen: np.ndarray  # what rounding to 16 bits does
    as_f32: np.ndarray
    peer_f32: np.ndarray  # llama.cpp on F32 weights, against the double-precision pass done the peer's way
    departure: np.ndarray  # what that way does with F32 weights
    as_is: np.ndarray
    rounding: np.ndarray

    def problems(self, architecture: str) -> list[str]:
        found = []
        if self.ours.max() > OURS * self.sixteen.max() + FLOAT:
            found.append(f"logitpeek is {self.ours.max():.1e} from double precision, where 16 bits do {self.sixteen.max():.1e}")
        table = architecture in GELU
        if not table and self.peer_f32.max() > SAME:
            found.append(f"on F32 weights llama.cpp is {self.peer_f32.max():.1e} from where its ways put it")
        if table and (np.median(self.peer_f32) > max(SAME, np.median(self.departure)) or self.peer_f32.max() > SAME + self.departure.max()):
            found.append(f"on F32 weights llama.cpp is {np.median(self.peer_f32):.1e} from where its table puts it, at most {self.peer_f32.max():.1e}")
        if self.departure.max() == 0 and self.as_f32.max() > SAME + OURS * self.sixteen.max():
            found.append(f"on F32 weights the two differ by {self.as_f32.max():.1e}")
        if self.as_is.max() > ROUNDING * self.rounding.max() + SAME:
            found.append(f"the two differ by {self.as_is.max():.1e}, where rounded activations do {self.rounding.max():.1e}")
        return found


def compare(program: str, path: str, tokens: list[int], folder: Path) -> Row:
    decoded, out = str(folder / "decoded.gguf"), str(folder / "ours.npy")
    quantise(path, decoded, "F32")

    def theirs(file: str) -> np.ndarray:
        peer = LlamaCpp(file, synthetic_models.N_CTX)
        logits = peer.logits(tokens)
        peer.close()
        return log_softmax(logits)

    subprocess.run([program, "logits", "-m", path, "-t", "1", "-c", str(synthetic_models.N_CTX), "--tokens", ",".join(map(str, tokens)), "--all", "-o", out],
                   check=True, stdout=subprocess.DEVNULL)
    ours, double, double_f32 = log_softmax(np.load(out)), DoubleModel(path), DoubleModel(decoded)
    exact, peer_way = double.log_probabilities(tokens), double_f32.log_probabilities(tokens, way=PEER)
    there_f32 = theirs(decoded)
    is_f32 = set(double.w.kinds.values()) == {"F32"}
    there = there_f32 if is_f32 else theirs(path)
    rounded = peer_way if is_f32 else double.log_probabilities(tokens, way=PEER)
    sixteen = double.log_probabilities(tokens, way=OURS_WAY)
    apart = lambda a, b: np.abs(a - b).max(-1)  # noqa: E731
    return Row(apart(ours, exact), apart(sixteen, exact), apart(ours, there_f32), apart(there_f32, peer_way), apart(peer_way, exact), apart(ours, there), apart(rounded, exact))


class Table:
    """A line for each architecture and type: the largest of its shapes."""
    COLUMNS = ("ours", "sixteen", "as_f32", "peer_f32", "as_is", "rounding")

    def __init__(self) -> None:
        self.wrong = self.files = 0
        self.lines: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: dict.fromkeys(self.COLUMNS, 0.0))

    def add(self, what: tuple[str, str], row: Row, architecture: str, name: str) -> None:
        self.files += 1
        for column in self.COLUMNS:
            self.lines[what][column] = max(self.lines[what][column], float(getattr(row, column).max()))
        for problem in row.problems(architecture):
            self.wrong += 1
            print(f"  WRONG: {name}: {problem}", flush=True)

    def show(self) -> None:
        print(f"  {'':30} {'ours':>8} {'16 bits':>8} | {'as F32':>8} {'peer':>8} | {'as is':>8} {'rounding':>8}")
        for (first, second), line in self.lines.items():
            values = [f"{line[column]:8.1e}" for column in self.COLUMNS]
            print(f"  {first:14} {second:15} {' '.join(values[:2])} | {' '.join(values[2:4])} | {' '.join(values[4:])}")


def main() -> None:
    program, real = sys.argv[1], sys.argv[2:]
    started, table = time.monotonic(), Table()
    print("log-probabilities of the whole vocabulary, largest differences in nats: logitpeek and double precision, what 16 bits do | logitpeek and llama.cpp with weights as F32, "
          "llama.cpp and its ways in double precision | logitpeek and llama.cpp on the file, what rounded activations do:")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        f32, file = str(folder / "f32.gguf"), str(folder / "file.gguf")
        for architecture in synthetic_models.FAMILIES:
            models = synthetic_models.shapes(architecture)
            tokens = [int(t) for t in np.random.default_rng(3).integers(3, synthetic_models.N_VOCAB, N_TOKENS)]
            for model in models + [v for v in synthetic_models.variants() if v.architecture == architecture]:
                synthetic_models.write(f32, model)
                for kind in kinds(model) if model in models else ["F32"]:
                    quantise(f32, file, kind)
                    row = compare(program, file, tokens, folder)
                    table.add((architecture, kind if model in models else model.shape), row, architecture, f"{architecture} {model.shape} {kind}")
        for path in real:
            tokens = [int(t) for t in np.random.default_rng(5).integers(3, 250, N_TOKENS)]
            table.add(("real", Path(path).stem), compare(program, path, tokens, folder), DoubleModel(path).name, path)
    table.show()
    print(f"  {table.files} files in {time.monotonic() - started:.0f} s")
    if table.wrong:
        sys.exit(f"{table.wrong} differences that rounding does not explain")


if __name__ == "__main__":
    main()
