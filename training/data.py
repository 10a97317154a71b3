"""Corpus files -> token bins -> shuffled training windows.

Every document starts with <|endoftext|>, the BOS token, and follows the one before without padding. About one document
in fifty goes to validation instead, chosen by a hash of its text, so the split does not depend on order or machine.

    python3 data.py --corpus ../shared/data/corpus --tokenizer build/training/tokenizer.json --out build/training/bins
"""
from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from mix import MIX
from tokenizer import Tokenizer, split_documents

VALIDATION_SHARE = 50  # one document in this many


def is_validation(document: str) -> bool:
    return hashlib.sha256(document.encode()).digest()[0] % VALIDATION_SHARE == 0


def tokenise_corpus(corpus: Path, tokenizer: Tokenizer, out: Path) -> None:
    """Writes NAME.train.bin and NAME.val.bin (uint16 ids) and sizes.json."""
    out.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for name in MIX:
        ids: dict[str, list[int]] = {"train": [], "val": []}
        n_bytes = {"train": 0, "val": 0}
        for document in split_documents((corpus / f"{name}.txt").read_text()):
            part = "val" if is_validation(document) else "train"
            ids[part] += [0, *tokenizer.encode(document)]
            n_bytes[part] += len(document.encode())
        for part in ids:
            np.array(ids[part], dtype=np.uint16).tofile(out / f"{name}.{part}.bin")
        sizes[name] = {part: {"tokens": len(ids[part]), "bytes": n_bytes[part]} for part in ids}
        print(name, sizes[name], flush=True)
    (out / "sizes.json").write_text(json.dumps(sizes, indent=1))


class Windows:
    """The training stream. Batch number -> windows, a pure function of (seed, batch): resuming needs no state.

    An epoch holds, for each file with weight w, floor(w) full passes and a random share w - floor(w) of one more; each
    pass is cut into windows at its own random phase, and the windows of all passes are shuffled together.
    """

    def __init__(self, bins: Path, context: int, batch: int, seed: int, mix: dict[str, float] = MIX):
        self.context, self.batch, self.seed, self.mix = context, batch, seed, mix
        self.streams = [np.fromfile(bins / f"{name}.train.bin", dtype=np.uint16) for name in mix]
        self.epoch_at, self.index = -1, np.zeros((0, 2), dtype=np.int64)
        self.per_epoch = len(self._epoch(0)) // batch

    def _epoch(self, epoch: int) -> np.ndarray:
        """[n_windows, 2] of (stream, start), shuffled."""
        if epoch == self.epoch_at:
            return self.index
        rng, parts = np.random.default_rng([self.seed, epoch]), []
        for s, (stream, weight) in enumerate(zip(self.streams, self.mix.values())):
            # The same number of windows whatever the phase, so that every epoch has the same length.
            per_pass = (len(stream) - 1) // self.context - 1
            while weight > 0:
                starts = rng.integers(self.context) + np.arange(per_pass) * self.context
                if weight < 1:
                    starts = rng.permutation(starts)[:int(weight * per_pass)]
                parts.append(np.stack([np.full(len(starts), s), starts], axis=1))
                weight -= 1
        self.epoch_at, self.index = epoch, rng.permutation(np.concatenate(parts))
        return self.index

    def get(self, number: int) -> np.ndarray:
        """[batch, context + 1] int64: inputs are [:, :-1], targets [:, 1:]."""
        epoch, at = divmod(number, self.per_epoch)
        rows = self._epoch(epoch)[at * self.batch:(at + 1) * self.batch]
        return np.stack([self.streams[s][start:start + self.context + 1] for s, start in rows]).astype(np.int64)


def validation_windows(bins: Path, context: int, per_file: int = 8) -> tuple[np.ndarray, float]:
    """Evenly spaced windows of each story file's held-out documents: [n, context + 1] int64, and bytes per token."""
    sizes = json.loads((bins / "sizes.json").read_text())
    windows, tokens, n_bytes = [], 0, 0
    for name in MIX:
        stream = np.fromfile(bins / f"{name}.val.bin", dtype=np.uint16).astype(np.int64)
        if MIX[name] < 1 or len(stream) <= context:
            continue
        count = min(per_file, (len(stream) - 1) // context)
        for start in np.linspace(0, len(stream) - context - 1, count).astype(int):
            windows.append(stream[start:start + context + 1])
        tokens += count * sizes[name]["val"]["tokens"]
        n_bytes += count * sizes[name]["val"]["bytes"]
    return np.stack(windows), n_bytes / tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/data/corpus"))
    parser.add_argument("--tokenizer", type=Path, default=Path("build/training/tokenizer.json"))
    parser.add_argument("--out", type=Path, default=Path("build/training/bins"))
    args = parser.parse_args()
    tokenise_corpus(args.corpus, Tokenizer.load(args.tokenizer), args.out)


if __name__ == "__main__":
    main()
