#!/usr/bin/env python3
"""The shipped model in llama.cpp and here: greedy texts and logits.

    model_peer.py LOGITPEEK MODEL.gguf

Twice: the file as it is, and its decoded weights written as F32. llama.cpp turns activations into Q8_0 before it multiplies them with Q8_0
weights, logitpeek never rounds activations: with the file as it is, log-probabilities differ in the second digit, and where the two best tokens are
closer than that, a greedy text may part. That is said, and is a failure only where they are further apart than the difference of the logits explains.
With F32 weights nothing is rounded on either side: every token must be the same."""
import ctypes
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import llama_cpp.llama_cpp as C
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))
import gguf  # noqa: E402

PROMPTS = ("Once upon a time", "The old king had three daughters, and", "Tom wanted to fly a kite.", "In the middle of the forest", "The wolf said to the")
N = 64
TOLERANCES = {"Q8_0": 0.15, "F32": 1e-4}  # nats, of log-probabilities where p > 1e-4


def log_softmax(x: np.ndarray) -> np.ndarray:
    """[..., V], in double"""
    x = x.astype(np.float64)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


class LlamaCpp:
    def __init__(self, path: str):
        self.log = C.llama_log_callback(lambda level, text, user: None)
        C.llama_log_set(self.log, ctypes.c_void_p(0))
        C.llama_backend_init()
        self.model = C.llama_model_load_from_file(path.encode(), C.llama_model_default_params())
        if not self.model:
            sys.exit(f"llama.cpp does not load {path}")
        params = C.llama_context_default_params()
        params.n_ctx, params.n_threads, params.type_k, params.type_v = 512, 1, 0, 0  # keys and values in F32
        params.flash_attn_type = 0  # it rounds queries to F16
        self.context = C.llama_init_from_model(self.model, params)
        self.vocab = C.llama_model_get_vocab(self.model)
        self.n_vocab = C.llama_vocab_n_tokens(self.vocab)

    def tokenize(self, text: str) -> list[int]:
        ids = (ctypes.c_int32 * 256)()
        return list(ids[:C.llama_tokenize(self.vocab, text.encode(), len(text.encode()), ids, 256, True, False)])

    def logits(self, ids: list[int], first: int = 0) -> np.ndarray:
        """[T, V]: after each of `ids`, which stand at positions `first` on; 0 empties the cache."""
        if first == 0:
            C.llama_memory_clear(C.llama_get_memory(self.context), True)
        batch = C.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, first + i, 1, 1
            batch.seq_id[i][0] = 0
        if C.llama_decode(self.context, batch) != 0:
            sys.exit("llama_decode failed")
        rows = [np.ctypeslib.as_array(C.llama_get_logits_ith(self.context, i), (self.n_vocab,)).copy() for i in range(len(ids))]
        C.llama_batch_free(batch)
        return np.stack(rows)

    def greedy(self, ids: list[int]) -> list[int]:
        made = [int(self.logits(ids)[-1].argmax())]
        while len(made) < N and not C.llama_vocab_is_eog(self.vocab, made[-1]):
            made.append(int(self.logits(made[-1:], len(ids) + len(made) - 1)[0].argmax()))
        return made


def ours(program: str, model: str, *words: str) -> str:
    return subprocess.run([program, *words, "-m", model], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def decoded(path: str, to: Path) -> str:
    """The same weights as F32, in a file of their own."""
    metadata, table = gguf.read(Path(path))
    gguf.write(to, {**metadata, "general.file_type": 0}, {name: (array, gguf.F32) for name, array in table.items()})
    return str(to)


def compare(program: str, path: str, kind: str, folder: Path) -> int:
    """Prints a line for each prompt; how many differ by more than rounding explains."""
    theirs, tolerance, wrong = LlamaCpp(path), TOLERANCES[kind], 0
    print(f"{kind} weights in llama.cpp:")
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
        text = theirs.greedy(ids)
        same = next((i for i, (a, b) in enumerate(zip(made, text)) if a != b), min(len(made), len(text)))
        line = f"  {prompt!r}: {same} of {N} greedy tokens the same; log p differs by at most {likely:.2g} nats where p > 1e-4, {difference.mean():.2g} on average"
        if made != text:
            best = np.sort(here[len(ids) + same - 1])[-2:]
            line += f"; they part where the two best are {best[1] - best[0]:.4f} nats apart"
            wrong += best[1] - best[0] > 2 * likely or kind == "F32"
        wrong += likely > tolerance
        print(line, flush=True)
    return wrong


def main() -> None:
    program, path = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wrong = compare(program, path, "Q8_0", folder) + compare(program, decoded(path, folder / "f32.gguf"), "F32", folder)
    if wrong:
        sys.exit(f"{wrong} texts differ by more than rounding explains")


if __name__ == "__main__":
    main()
