"""What evaluate.py measures: models on texts, quantisation, compressors. Every figure of a text is in bits."""
from __future__ import annotations

import hashlib
import lzma
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from calibration import Reliability
from mix import MIX
from numpy_llama import NumpyLlama, scored_windows


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """[n, V] -> [n, V], float64"""
    wide = logits.astype(np.float64)
    wide -= wide.max(-1, keepdims=True)
    wide -= np.log(np.exp(wide).sum(-1, keepdims=True))
    return wide


def score_text(model: NumpyLlama, ids: list[int], reference: NumpyLlama | None = None,
               tally: Reliability | None = None) -> dict[str, Any]:
    """One pass over a text: its bits under `model`; where `reference` (the same model before quantisation) is given,
    that one's bits, the KL divergence of each position and how often both have the same first choice; fills `tally`."""
    bits = reference_bits = 0.0
    divergence: list[np.ndarray] = []
    agree = 0
    for inputs, first, targets in scored_windows(model.context, model.bos, ids):
        rows = np.arange(len(targets))
        q = log_softmax(model.logits(inputs, first))
        bits -= q[rows, targets].sum() / math.log(2)
        if tally:
            tally.add(np.exp(q).astype(np.float32), targets)
        if reference:
            p = log_softmax(reference.logits(inputs, first))
            reference_bits -= p[rows, targets].sum() / math.log(2)
            divergence.append((np.exp(p) * (p - q)).sum(-1) / math.log(2))
            agree += int((p.argmax(-1) == q.argmax(-1)).sum())
    result: dict[str, Any] = {"tokens": len(ids), "bits": round(bits, 3)}
    if reference:
        d = np.concatenate(divergence)
        result |= {"reference_bits": round(reference_bits, 3), "kl_sum_bits": float(f"{d.sum():.6g}"),
                   "kl_p99_bits": float(f"{np.quantile(d, 0.99):.4g}"), "kl_max_bits": float(f"{d.max():.4g}"),
                   "same_top1": round(agree / len(ids), 6)}
    return result


def xz_bits(texts: dict[str, Path]) -> dict[str, float]:
    """`xz -9` of each file by itself: it has learned nothing before, and the container's some 60 bytes count."""
    return {name: 8.0 * len(lzma.compress(path.read_bytes(), preset=9)) for name, path in texts.items()}


def xz_after_corpus_bits(texts: dict[str, Path], corpus: Path) -> dict[str, float]:
    """What a text adds to the xz -9 of the whole corpus, the stories last: compression with the corpus in the window."""
    compressor = lzma.LZMACompressor(preset=9)
    done = 0
    for name in sorted(MIX, key=MIX.__getitem__):
        done += len(compressor.compress((corpus / f"{name}.txt").read_bytes()))
    # A compressor cannot be copied, a process can: each child ends the stream in its own way. The first adds nothing.
    lengths = [in_child(lambda t=text: len(compressor.compress(t)) + len(compressor.flush()))
               for text in (b"", *(path.read_bytes() for path in texts.values()))]
    return {name: 8.0 * (length - lengths[0]) for name, length in zip(texts, lengths[1:])}


def in_child(compute: Any) -> int:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, str(compute()).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as result:
        number = int(result.read())
    os.waitpid(child, 0)
    return number
