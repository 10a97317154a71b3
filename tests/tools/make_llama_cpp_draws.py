#!/usr/bin/env python3
"""Makes tests/fixtures/llama_cpp_draws.json: the tokens that llama.cpp itself draws, step after step, from the same logits. Needs
llama-cpp-python 0.3.36 (what tests/peers/run installs has it).

    make_llama_cpp_draws.py >tests/fixtures/llama_cpp_draws.json

Chains leave two tokens at least: from a single one llama.cpp draws no random number. XTC's coin is another one here, so its chance is 1."""
import ctypes
import json
import random
import struct

import llama_cpp.llama_cpp as C

OFF = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
CHAINS = [
    {}, {"temperature": 0.7}, {"temperature": 1.5, "dynatemp_range": 0.5}, {"top_k": 15}, {"top_k": 500}, {"top_p": 0.9}, {"min_p": 0.05},
    {"min_p": 0.05, "temperature": 1.6}, {"min_p": 0.9, "min_keep": 6}, {"typical_p": 0.8}, {"typical_p": 0.8, "min_p": 0.02},
    {"typical_p": 0.8, "top_p": 0.9}, {"top_n_sigma": 1.2}, {"top_k": 20, "typical_p": 0.9}, {"xtc_probability": 1.0, "xtc_threshold": 0.06},
    {"top_k": 30, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8}, {"min_p": 0.03, "samplers": "tm"}, {"top_k": 12, "repetition_penalty": 1.3, "samplers": "ke"},
    {"mirostat": 1, "mirostat_tau": 3.0}, {"mirostat": 2, "mirostat_tau": 3.0}, {"adaptive_target": 0.15, "adaptive_decay": 0.8, "samplers": "ta"},
    {"adaptive_target": 0.15, "min_p": 0.02, "samplers": "mta"}, {"adaptive_target": 0.2, "top_k": 20, "samplers": "kta"},
]
N_VOCAB, N_DRAWS, HISTORY = 96, 24, [3, 5, 3, 8]


def samplers_of(s: dict, seed: int) -> list:
    g = {**OFF, "typical_p": 1.0, "top_n_sigma": -1.0, "repetition_penalty": 1.0, "xtc_probability": 0.0, "xtc_threshold": 0.1, "dynatemp_range": 0.0,
         "min_keep": 0, "samplers": "edskypmxt", "mirostat": 0, "adaptive_target": -1.0, "adaptive_decay": 0.9, **s}
    temperature = lambda: C.llama_sampler_init_temp_ext(g["temperature"], g["dynatemp_range"], 1.0)
    if g["mirostat"] == 1:
        return [temperature(), C.llama_sampler_init_mirostat(N_VOCAB, seed, g["mirostat_tau"], 0.1, 100)]
    if g["mirostat"] == 2:
        return [temperature(), C.llama_sampler_init_mirostat_v2(seed, g["mirostat_tau"], 0.1)]
    keep = g["min_keep"]
    make = {
        "e": lambda: C.llama_sampler_init_penalties(N_VOCAB, 64, g["repetition_penalty"], 0.0, 0.0),
        "s": lambda: C.llama_sampler_init_top_n_sigma(g["top_n_sigma"]),
        "k": lambda: C.llama_sampler_init_top_k(g["top_k"]),
        "y": lambda: C.llama_sampler_init_typical(g["typical_p"], keep),
        "p": lambda: C.llama_sampler_init_top_p(g["top_p"], keep),
        "m": lambda: C.llama_sampler_init_min_p(g["min_p"], keep),
        "x": lambda: C.llama_sampler_init_xtc(g["xtc_probability"], g["xtc_threshold"], keep, seed),
        "t": temperature,
    }
    chain = [make[letter]() for letter in g["samplers"] if letter in make]
    last = C.llama_sampler_init_dist(seed) if g["adaptive_target"] < 0 else C.llama_sampler_init_adaptive_p(g["adaptive_target"], g["adaptive_decay"], seed)
    return chain + [last]


def draw(settings: dict, seed: int, logits: list) -> list:
    samplers = samplers_of(settings, seed)
    for sampler in samplers[:-1]:  # the penalties' window; it stays what it is
        for token in HISTORY:
            C.llama_sampler_accept(sampler, token)
    drawn = []
    for _ in range(N_DRAWS):
        data = (C.llama_token_data * N_VOCAB)(*[(i, x, 0.0) for i, x in enumerate(logits)])
        left = C.llama_token_data_array(ctypes.cast(data, ctypes.POINTER(C.llama_token_data)), N_VOCAB, -1, False)
        for sampler in samplers:
            C.llama_sampler_apply(sampler, ctypes.byref(left))
        assert left.size > 1, settings
        drawn.append(left.data[left.selected].id)
        C.llama_sampler_accept(samplers[-1], drawn[-1])
    return drawn


def main() -> None:
    rng = random.Random(3)
    cases = []
    for i, settings in enumerate(CHAINS):
        logits = [struct.unpack("f", struct.pack("f", rng.gauss(0, 1.7)))[0] for _ in range(N_VOCAB)]  # equal ones would lie in no stated order
        cases.append({"settings": {**({} if "mirostat" in settings else OFF), **({"temperature": 1.0} if "mirostat" in settings else {}), **settings},
                      "seed": 1000 + i, "logits": logits, "drawn": draw(settings, 1000 + i, logits)})
    print('{"source": "llama-cpp-python 0.3.36, tests/tools/make_llama_cpp_draws.py", "history": ' + json.dumps(HISTORY) + ', "cases": [')
    print(",\n".join(json.dumps(case) for case in cases))
    print("]}")


main()
