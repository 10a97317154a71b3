#!/usr/bin/env python3
"""Prompt and decode speed of llama.cpp on one file, through llama-cpp-python's C interface: a JSON object.

    llama_speed.py MODEL.gguf THREADS PROMPT DECODE

Its own defaults (keys and values in F16, batches of 512), logits of the last token only, random tokens; ctypes adds some microseconds a call. 32 tokens before warm up."""
import ctypes
import json
import sys
import time

import llama_cpp.llama_cpp as C
import numpy as np


def main(path: str, threads: int, n_prompt: int, n_decode: int) -> None:
    log = C.llama_log_callback(lambda level, text, user: None)
    C.llama_log_set(log, ctypes.c_void_p(0))
    C.llama_backend_init()
    model = C.llama_model_load_from_file(path.encode(), C.llama_model_default_params())
    if not model:
        sys.exit(f"llama.cpp does not load {path}")
    params = C.llama_context_default_params()
    params.n_ctx, params.n_threads, params.n_threads_batch = n_prompt + n_decode + 64, threads, threads
    context = C.llama_init_from_model(model, params)
    n_vocab = C.llama_vocab_n_tokens(C.llama_model_get_vocab(model))
    ids = np.random.default_rng(1).integers(0, n_vocab, n_prompt + n_decode).astype(np.int32)

    def decode(tokens: np.ndarray) -> float:
        array = (ctypes.c_int32 * len(tokens))(*tokens.tolist())
        batch = C.llama_batch_get_one(array, len(tokens))
        begun = time.perf_counter()
        if C.llama_decode(context, batch) != 0:
            sys.exit("llama_decode failed")
        C.llama_get_logits(context)  # waits
        return time.perf_counter() - begun

    decode(ids[:32])  # reads the weights once
    C.llama_memory_clear(C.llama_get_memory(context), True)
    prompt = decode(ids[:n_prompt])
    tokens = sum(decode(ids[i:i + 1]) for i in range(n_prompt, n_prompt + n_decode))
    print(json.dumps({"prompt": n_prompt / prompt, "decode": n_decode / tokens if n_decode else None}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
