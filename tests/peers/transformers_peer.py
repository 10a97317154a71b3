#!/usr/bin/env python3
"""transformers' own logits processors on cases from standard input: the list that generate() builds from a GenerationConfig, called on the logits.
A JSON line a case: {"kept": [ids], "probs": [...]} or {"error": "..."}."""
import inspect
import json
import sys
from types import SimpleNamespace

import torch
from transformers import GenerationConfig
from transformers.generation.utils import GenerationMixin


class Model(GenerationMixin):
    """As much of a model as _get_logits_processor asks for."""
    config = SimpleNamespace(is_encoder_decoder=False)
    device = torch.device("cpu")


def processors(settings: dict, prompt: list):
    s = {k: v for k, v in settings.items() if k != "dialect"}
    ends = s.pop("eos_token_id", None)
    if "sequence_bias" in s:
        s["sequence_bias"] = {tuple(b["tokens"]): float(b["bias"]) for b in s["sequence_bias"]}
    config = GenerationConfig(**s)
    config._eos_token_tensor = None if ends is None else torch.tensor(ends)
    config._pad_token_tensor = None
    wanted = inspect.signature(GenerationMixin._get_logits_processor).parameters
    given = {"generation_config": config, "input_ids_seq_length": len(prompt), "encoder_input_ids": torch.tensor([prompt]), "prefix_allowed_tokens_fn": None,
             "logits_processor": [], "device": "cpu", "model_kwargs": {}}
    processed = GenerationMixin._get_logits_processor(Model(), **{k: v for k, v in given.items() if k in wanted})
    if hasattr(GenerationMixin, "_get_logits_warper") and config.do_sample:  # before 4.45 the warpers were a list of their own
        processed.extend(GenerationMixin._get_logits_warper(Model(), config, device="cpu"))
    return processed


def run(case: dict) -> dict:
    logits = [float("-inf") if x is None else x for x in case["logits"]]
    try:
        chain = processors(case["sampler"], case["history"][:case["prompt_length"]])
        scores = chain(torch.tensor([case["history"]]), torch.tensor([logits], dtype=torch.float32))[0]
    except (ValueError, RuntimeError) as refused:
        return {"error": str(refused)}
    if bool((scores == float("-inf")).all()):
        return {"error": "every score is -inf: torch.multinomial would refuse, argmax would give token 0"}
    if not case["sampler"]["do_sample"]:
        kept = [int(torch.argmax(scores))]
        return {"kept": kept, "probs": [1.0]}
    p = torch.softmax(scores.double(), -1)
    kept = [i for i in range(len(p)) if scores[i] != float("-inf")]
    return {"kept": kept, "probs": [float(p[i]) for i in kept]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))))
