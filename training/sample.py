"""Sampled continuations from a GGUF file, for the model card: nothing is picked, seed i makes sample i.

    python3 sample.py models/logitpeek-tales-q8_0.gguf --temperature 0.8 --tokens 120
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from numpy_llama import NumpyLlama, tokenizer_of

PROMPTS = ("", "Once upon a time", "The old king had three daughters, and", "\"Who is there?\" said the fox.", "Tom wanted to fly a kite.",
           "In the middle of the forest", "The wolf", "It was the night before", "KING. My lord,", "Long ago, when animals could speak,")


def sample(model: NumpyLlama, ids: list[int], tokens: int, temperature: float, rng: np.random.Generator) -> list[int]:
    """Continues `ids` (BOS first) from the whole distribution at this temperature, until EOS or `tokens` more."""
    for _ in range(tokens):
        logits = model.logits(ids[-model.context:], first=len(ids[-model.context:]) - 1)[0].astype(np.float64) / temperature
        p = np.exp(logits - logits.max())
        ids = [*ids, int(np.searchsorted(np.cumsum(p) / p.sum(), rng.random()))]
        if ids[-1] == model.bos:
            break
    return ids


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--tokens", type=int, default=120)
    args = parser.parse_args()
    model = NumpyLlama(args.model, np.float32)
    tokenizer = tokenizer_of(model.metadata)
    for seed, prompt in enumerate(PROMPTS):
        ids = sample(model, [model.bos, *tokenizer.encode(prompt)], args.tokens, args.temperature, np.random.default_rng(seed))
        text = tokenizer.decode_bytes(ids).decode("utf-8", errors="replace")
        shown = f"**{prompt}**" if prompt else ""
        print(f"> {shown}{text[len(prompt):]}".replace("\n", "\n> ") + "\n", flush=True)


if __name__ == "__main__":
    main()
