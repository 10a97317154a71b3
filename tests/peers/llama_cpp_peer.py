#!/usr/bin/env python3
"""llama.cpp's own samplers on cases from standard input, through llama-cpp-python's C interface: the chain that common_sampler_init builds,
without the final draw. A JSON line a case: {"kept": [ids], "probs": [...]}."""
import ctypes
import json
import math
import sys

import llama_cpp.llama_cpp as C

DEFAULTS = {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "typical_p": 1.0, "top_n_sigma": -1.0,
            "repetition_penalty": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0, "repeat_last_n": 64,
            "xtc_probability": 0.0, "xtc_threshold": 0.1, "dynatemp_range": 0.0, "dynatemp_exponent": 1.0,
            "dry_multiplier": 0.0, "dry_base": 1.75, "dry_allowed_length": 2, "dry_penalty_last_n": 64,
            "mirostat": 0, "mirostat_tau": 5.0, "mirostat_eta": 0.1, "min_keep": 0, "samplers": "edskypmxt"}

def samplers_of(s: dict, n_vocab: int) -> list:
    temperature = lambda: C.llama_sampler_init_temp_ext(s["temperature"], s["dynatemp_range"], s["dynatemp_exponent"])
    first = []
    if s.get("logit_bias"):
        bias = (C.llama_logit_bias * len(s["logit_bias"]))(*[(b["tokens"], b["bias"]) for b in s["logit_bias"]])
        first = [C.llama_sampler_init_logit_bias(n_vocab, len(bias), bias)]
    if s["mirostat"] == 1:
        return first + [temperature(), C.llama_sampler_init_mirostat(n_vocab, 1, s["mirostat_tau"], s["mirostat_eta"], 100)]
    if s["mirostat"] == 2:
        return first + [temperature(), C.llama_sampler_init_mirostat_v2(1, s["mirostat_tau"], s["mirostat_eta"])]
    keep = s["min_keep"]
    make = {
        "e": lambda: C.llama_sampler_init_penalties(n_vocab, s["repeat_last_n"], s["repetition_penalty"], s["frequency_penalty"], s["presence_penalty"]),
        "d": lambda: C.llama_sampler_init_dry(None, s["dry_multiplier"], s["dry_base"], s["dry_allowed_length"], s["dry_penalty_last_n"], None, 0),
        "s": lambda: C.llama_sampler_init_top_n_sigma(s["top_n_sigma"]),
        "k": lambda: C.llama_sampler_init_top_k(s["top_k"]),
        "y": lambda: C.llama_sampler_init_typical(s["typical_p"], keep),
        "p": lambda: C.llama_sampler_init_top_p(s["top_p"], keep),
        "m": lambda: C.llama_sampler_init_min_p(s["min_p"], keep),
        "x": lambda: C.llama_sampler_init_xtc(s["xtc_probability"], s["xtc_threshold"], keep, 1),
        "t": temperature,
    }
    return first + [make[letter]() for letter in s["samplers"]]

def run(case: dict) -> dict:
    n = len(case["logits"])
    data = (C.llama_token_data * n)(*[(i, x, 0.0) for i, x in enumerate(case["logits"])])
    candidates = C.llama_token_data_array(ctypes.cast(data, ctypes.POINTER(C.llama_token_data)), n, -1, False)
    s = {**DEFAULTS, **case["sampler"]}
    samplers = samplers_of(s, n)
    for token in case["history"]:
        for sampler in samplers:
            C.llama_sampler_accept(sampler, token)
    for sampler in samplers:
        C.llama_sampler_apply(sampler, ctypes.byref(candidates))
        C.llama_sampler_free(sampler)
    left = [(candidates.data[i].id, candidates.data[i].logit) for i in range(candidates.size)]
    left = [(i, x) for i, x in left if x != float("-inf")]
    best = max(x for _, x in left)

    weights = {i: math.exp(x - best) for i, x in left}
    total = sum(weights.values())
    kept = sorted(weights)
    return {"kept": kept, "probs": [weights[i] / total for i in kept]}

if __name__ == "__main__":
    C.llama_log_set(C.llama_log_callback(lambda *_: None), None)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))))
