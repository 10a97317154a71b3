#!/usr/bin/env python3
"""What llama.cpp's samplers take: microseconds a token by chain, shape and vocabulary, through llama-cpp-python's C interface.

    llama_chains.py FOLDER        # with the logits that sampling_bench --write-logits=FOLDER wrote

Two ways, the faster of which is reported: the array of candidates rebuilt from the logits for every token, as llama_sampler_sample() does it in C, here by
copying a prepared array (memmove, faster than its loop); the time of the copy is taken off for what is called "chain alone". What ctypes adds is measured on an
empty chain and taken off, too."""
import ctypes
import json
import pathlib
import statistics
import sys
import time

import llama_cpp.llama_cpp as C
import numpy as np

SHAPES, SIZES, REPEATS = ("peaked", "zipf", "flat"), (50257, 128256, 151936, 262144), 15


def chain(samplers: list):
    c = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
    for sampler in samplers:
        C.llama_sampler_chain_add(c, sampler)
    return c


def chain_a(n: int):
    c = chain([C.llama_sampler_init_penalties(n, 64, 1.1, 0, 0), C.llama_sampler_init_top_k(40), C.llama_sampler_init_top_p(0.95, 0),
               C.llama_sampler_init_min_p(0.05, 0), C.llama_sampler_init_temp(0.8), C.llama_sampler_init_dist(42)])
    for token in np.random.default_rng(8).integers(0, n, 64):
        C.llama_sampler_accept(c, int(token))
    return c


def chain_b(_n: int):
    return chain([C.llama_sampler_init_top_p(0.95, 0), C.llama_sampler_init_temp(0.8), C.llama_sampler_init_dist(42)])


def microseconds(c, logits: np.ndarray) -> tuple[float, float]:
    """(with the array built, chain alone)"""
    n = len(logits)
    data = (C.llama_token_data * n)()
    view = np.frombuffer(data, dtype=[("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
    view["id"], view["logit"] = np.arange(n), logits
    prepared = view.copy()
    array = C.llama_token_data_array(ctypes.cast(data, ctypes.POINTER(C.llama_token_data)), n, -1, False)
    whole, alone = [], []
    for _ in range(REPEATS):
        array.size, array.selected, array.sorted = n, -1, False
        begun = time.perf_counter()
        ctypes.memmove(data, prepared.ctypes.data, prepared.nbytes)
        copied = time.perf_counter()
        C.llama_sampler_apply(c, ctypes.byref(array))
        done = time.perf_counter()
        whole.append(done - begun)
        alone.append(done - copied)
    return 1e6 * statistics.median(whole), 1e6 * statistics.median(alone)


def main(folder: pathlib.Path) -> None:
    overhead = microseconds(chain([]), np.zeros(8, np.float32))[1]
    out = {"overhead_us": overhead, "rows": []}
    for n in SIZES:
        for shape in SHAPES:
            logits = np.fromfile(folder / f"{shape}-{n}.f32", dtype=np.float32)
            for name, make in (("A", chain_a), ("B", chain_b)):
                whole, alone = microseconds(make(n), logits)
                out["rows"].append({"chain": name, "shape": shape, "n": n, "us": whole - overhead, "alone_us": alone - overhead})
    print(json.dumps(out))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
