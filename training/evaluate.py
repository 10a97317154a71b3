"""Bits per byte of GGUF models on text files.

    python3 evaluate.py --texts ../shared/data/texts models/logitpeek-tales-q8_0.gguf other.gguf

NLL over all tokens, in bits, divided by the bytes of the file. Models with different vocabularies compare fairly this
way. The windows follow `score` in numpy_llama.py, which is also the rule of `logitpeek score`.
"""
from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np

from numpy_llama import NumpyLlama, score, tokenizer_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--texts", type=Path, default=Path("../shared/data/texts"), help="a folder of .txt, or one file")
    parser.add_argument("--max-bytes", type=int, default=10**9, help="score only the beginning of longer files")
    parser.add_argument("--double", action="store_true", help="float64 instead of float32")
    args = parser.parse_args()
    files = sorted(args.texts.glob("*.txt")) if args.texts.is_dir() else [args.texts]
    print(f"{'model':28} {'text':28} {'bytes':>8} {'tokens':>8} {'nll_nats':>14} {'bpb':>7} {'seconds':>8}")
    for path in args.models:
        model = NumpyLlama(path, np.float64 if args.double else np.float32)
        tokenizer = tokenizer_of(model.metadata)
        for file in files:
            text = file.read_bytes()[:args.max_bytes].decode("utf-8", errors="ignore")
            n_bytes, begun = len(text.encode()), time.monotonic()
            nll = score(model, tokenizer.encode(text))
            print(f"{path.stem[:28]:28} {file.stem[:28]:28} {n_bytes:8} {len(nll):8} {nll.sum():14.3f} "
                  f"{nll.sum() / math.log(2) / n_bytes:7.4f} {time.monotonic() - begun:8.1f}", flush=True)


if __name__ == "__main__":
    main()
