#!/usr/bin/env python3
"""Trained models in llama.cpp and here: the same tokens, the same greedy texts, log-probabilities.

    model_peer.py LOGITPEEK MODEL.gguf ...

Each twice: the file as it is, and the same weights written as F32 by llama.cpp. llama.cpp rounds activations to F16 or Q8_0 before it multiplies
them with weights of those types, logitpeek to 16 bits where they are Q8_0: with the file as it is, log-probabilities differ by what that does, and where
the two best tokens are closer than that, a greedy text may part. That is said, and is a failure only where they are further apart than the
difference of the logits explains. With F32 weights nothing is rounded on either side: every token must be the same."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np

from llama_cpp_model import LlamaCpp, log_softmax, quantise

PROMPTS = ("Once upon a time", "The old king had three daughters, and", "Tom wanted to fly a kite.", "In the middle of the forest", "The wolf said to the")
N = 64
# nats, of log-probabilities where p > 1e-4: what is measured, and a half more
TOLERANCES = {"Q8_0": 0.4, "F16": 0.02, "F32": 1e-4}


def ours(program: str, model: str, *words: str) -> str:
    return subprocess.run([program, *words, "-m", model], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def compare(program: str, path: str, kind: str, folder: Path) -> int:
    """Prints a line for each prompt; how many differ by more than rounding explains."""
    theirs, tolerance, wrong = LlamaCpp(path), TOLERANCES[kind], 0
    for prompt in PROMPTS:
        answer = json.loads(ours(program, path, "generate", "-p", prompt, "-n", str(N), "--temperature", "0", "--json"))
        ids, made = [t["id"] for t in answer["prompt_tokens"]], [t["id"] for t in answer["tokens"]]
        if ids != theirs.tokenize(prompt):
            print(f"  {prompt!r}: other tokens, {theirs.tokenize(prompt)} there, {ids} here")
            wrong += 1
            continue
        file = str(folder / "all.npy")
        ours(program, path, "logits", "--tokens", ",".join(map(str, ids + made)), "--all", "-o", file)
        here = log_softmax(np.load(file))
        there = log_softmax(theirs.logits(ids + made))
        difference = np.abs(here - there)
        likely = float(difference[there > np.log(1e-4)].max())
        text = theirs.greedy(ids, N)
        same = next((i for i, (a, b) in enumerate(zip(made, text)) if a != b), min(len(made), len(text)))
        line = f"  {prompt!r}: {same} of {max(len(made), len(text))} greedy tokens the same; log p differs by at most {likely:.2g} nats where p > 1e-4, {difference.mean():.2g} on average"
        if made != text:
            best = np.sort(here[len(ids) + same - 1])[-2:]
            line += f"; they part where the two best are {best[1] - best[0]:.4f} nats apart"
            wrong += best[1] - best[0] > 2 * likely or kind == "F32"
        wrong += likely > tolerance
        print(line, flush=True)
    theirs.close()
    return wrong


def main() -> None:
    program, wrong = sys.argv[1], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in sys.argv[2:]:
            kinds = {t.tensor_type.name for t in gguf.GGUFReader(path).tensors if len(t.shape) > 1}
            kind, = kinds if len(kinds) == 1 else ("Q8_0",)
            print(f"{Path(path).name} in llama.cpp, {kind} weights:")
            wrong += compare(program, path, kind, folder)
            if kind != "F32":
                print(f"{Path(path).name} in llama.cpp, the same weights as F32:")
                decoded = str(folder / "f32.gguf")
                quantise(path, decoded, "F32")
                wrong += compare(program, decoded, "F32", folder)
    if wrong:
        sys.exit(f"{wrong} texts differ by more than rounding explains")


if __name__ == "__main__":
    main()
