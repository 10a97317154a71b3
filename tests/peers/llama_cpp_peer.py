#!/usr/bin/env python3
"""llama.cpp's own samplers on cases from standard input, through llama-cpp-python's C interface: the chain that common_sampler_init builds,
without the draw. A JSON line a case: {"kept": [ids], "probs": [...], "quirks": [...]}.

A quirk is something that llama.cpp does and no setting says, seen as it happens: samplers that meet tokens of logit -inf (cut by top_n_sigma, banned,
masked), and samplers that meet probabilities too small for float32."""
import ctypes
import json
import math
import sys

import llama_cpp.llama_cpp as C
import numpy as np

DEFAULTS = {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "typical_p": 1.0, "top_n_sigma": -1.0,
            "repetition_penalty": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0, "repeat_last_n": 64,
            "xtc_probability": 0.0, "xtc_threshold": 0.1, "dynatemp_range": 0.0, "dynatemp_exponent": 1.0,
            "dry_multiplier": 0.0, "dry_base": 1.75, "dry_allowed_length": 2, "dry_penalty_last_n": 64,
            "adaptive_target": -1.0, "adaptive_decay": 0.9, "mirostat": 0, "mirostat_tau": 5.0, "mirostat_eta": 0.1, "min_keep": 0, "samplers": "edskypmxt"}


def samplers_of(s: dict, n_vocab: int) -> list:
    """(its letter, the sampler), in order"""
    first = []
    if s.get("logit_bias"):
        bias = (C.llama_logit_bias * len(s["logit_bias"]))(*[(b["tokens"], -math.inf if b["bias"] is None else b["bias"]) for b in s["logit_bias"]])
        first = [("", C.llama_sampler_init_logit_bias(n_vocab, len(bias), bias))]
    if s["mirostat"]:
        tau, eta = s["mirostat_tau"], s["mirostat_eta"]
        return first + [("", C.llama_sampler_init_temp(s["temperature"])),
                        ("1", C.llama_sampler_init_mirostat(n_vocab, 1, tau, eta, 100)) if s["mirostat"] == 1 else ("2", C.llama_sampler_init_mirostat_v2(1, tau, eta))]
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
        "t": lambda: C.llama_sampler_init_temp_ext(s["temperature"], s["dynatemp_range"], s["dynatemp_exponent"]),
    }
    chain = [(letter, make[letter]()) for letter in s["samplers"] if letter in make]
    if "a" in s["samplers"]:
        chain.append(("a", C.llama_sampler_init_adaptive_p(s["adaptive_target"], s["adaptive_decay"], 1)))
    return first + chain


def quirk(letter: str, case: dict, s: dict, candidates) -> str:
    """What the sampler that comes next will stumble over, or nothing."""
    looks = {"y": s["typical_p"] < 1, "t": s["dynatemp_range"] > 0, "x": s["min_keep"] > 0, "1": True}
    if not looks.get(letter, False) or candidates.size == 0:
        return ""
    x = np.array([candidates.data[i].logit for i in range(candidates.size)], dtype=np.float32)
    if letter == "1":
        x = np.sort(x)[-100:]
    with np.errstate(all="ignore"):
        p = np.exp(x - x.max())
        p /= p.sum(dtype=np.float32)
    if letter == "y":
        return "0 log 0 in typical_p is NaN" if (p == 0).any() else ""
    if letter == "1":
        if (p == 0).any():
            return "log 0 in mirostat 1"
        t, b = np.log(np.arange(len(p), 1, -1) / np.arange(len(p) - 1, 0, -1))[:len(p) - 1], np.diff(np.log(p.astype(float)))  # from the last to the first
        s_hat = float((t * b).sum() / (t * t).sum())
        epsilon = s_hat - 1
        if s_hat <= 0 or epsilon == 0:
            return "mirostat 1 turns a number too large for it into an int"
        log_k = math.log(epsilon * 4.0 ** s["mirostat_tau"] / (1 - len(case["logits"]) ** -epsilon)) / s_hat
        return "mirostat 1 turns a number too large for it into an int" if log_k >= 31 * math.log(2) else ""
    if letter == "t" and s["temperature"] <= s["dynatemp_range"] and len(x) > 1:
        entropy = -float((p[p > 0] * np.log(p[p > 0])).sum())
        if (entropy / math.log(len(x))) ** s["dynatemp_exponent"] < 1e-6:
            return "an entropy too small for float32 makes the dynamic temperature 0"
    if not np.isneginf(x).any():
        return ""
    return {"t": "the dynamic temperature counts tokens of logit -inf", "x": "XTC counts tokens of logit -inf towards min_keep"}[letter]


def run(case: dict) -> dict:
    n = len(case["logits"])
    data = (C.llama_token_data * n)(*[(i, -math.inf if x is None else x, 0.0) for i, x in enumerate(case["logits"])])
    candidates = C.llama_token_data_array(ctypes.cast(data, ctypes.POINTER(C.llama_token_data)), n, -1, False)
    s = {**DEFAULTS, **case["sampler"]}
    samplers = samplers_of(s, n)
    quirks = []
    for _, sampler in samplers:
        for token in case["history"]:
            C.llama_sampler_accept(sampler, token)
    for letter, sampler in samplers:
        quirks.append(quirk(letter, case, s, candidates))
        C.llama_sampler_apply(sampler, ctypes.byref(candidates))
        C.llama_sampler_free(sampler)
    left = [(candidates.data[i].id, candidates.data[i].logit) for i in range(candidates.size)]
    if any(math.isnan(x) for _, x in left):
        return {"error": "NaN"}
    left = [(i, x) for i, x in left if x != float("-inf")]
    if not left:
        return {"error": "no token is left"}
    best = max(x for _, x in left)
    weights = {i: math.exp(x - best) for i, x in left}
    total = sum(weights.values())
    kept = sorted(weights)
    return {"kept": kept, "probs": [weights[i] / total for i in kept], "quirks": sorted(set(quirks) - {""})}


if __name__ == "__main__":
    C.llama_log_set(C.llama_log_callback(lambda *_: None), None)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))))
