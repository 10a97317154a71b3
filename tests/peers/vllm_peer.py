#!/usr/bin/env python3
"""vLLM's own sampler on cases from standard input: vllm_peer.py FOLDER, which holds vllm/ as unpacked from its wheel by tests/peers/run.
A JSON line a case: {"kept": [ids], "probs": [...]} or {"error": "..."}.

SamplingParams, the logits processors, penalties, bad words, temperature, min-p and the PyTorch form of top-k and top-p are vLLM's; the order is that
of its Sampler. Its runtime (engine, kernels, Triton) is not there: whatever else these files import is replaced by something empty."""
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import pathlib
import sys
import types

import torch

OWN = {"vllm", "vllm.envs", "vllm.exceptions", "vllm.sampling_params", "vllm.model_executor.layers.utils", "vllm.v1.sample.metadata",
       "vllm.v1.sample.sampler", "vllm.v1.sample.ops.bad_words", "vllm.v1.sample.ops.penalties", "vllm.v1.sample.ops.topk_topp_sampler",
       "vllm.v1.sample.logits_processor", "vllm.v1.sample.logits_processor.builtin", "vllm.v1.sample.logits_processor.interface",
       "vllm.v1.sample.logits_processor.state"}


class Anything(type):
    """A class that has every attribute, can be called and inherited from, and is false."""
    def __getattr__(cls, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return cls
    def __call__(cls, *args, **_):
        return args[0] if len(args) == 1 and isinstance(args[0], types.FunctionType) else cls  # as a decorator it changes nothing
    def __bool__(cls):
        return False


class Nothing(metaclass=Anything):
    pass


class Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds OWN in the folder and something empty for every other module of vllm."""
    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] != "vllm":
            return None
        if name in OWN and name != "vllm":
            file = self.folder / (name.replace(".", "/") + ".py")
            package = not file.exists()
            if package:
                file = self.folder / name.replace(".", "/") / "__init__.py"
            return importlib.util.spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)] if package else None)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__path__ = []
        module.__getattr__ = lambda name: type(name, (), {}) if name.endswith("Mixin") else Nothing
        if spec.name == "vllm":
            def load(attribute: str):
                if attribute != "SamplingParams":
                    raise AttributeError(attribute)
                return importlib.import_module("vllm.sampling_params").SamplingParams
            module.__getattr__ = load
        elif spec.name == "vllm.triton_utils":
            module.HAS_TRITON = False
        elif spec.name == "vllm._custom_ops":  # thousands of lines about kernels, and this one function
            source = (self.folder / "vllm/_custom_ops.py").read_text(encoding="utf-8")
            wanted = [f for f in ast.parse(source).body if getattr(f, "name", "") == "apply_repetition_penalties_torch"]
            exec(compile(ast.Module(wanted, []), spec.name, "exec"), {"torch": torch}, vars(module))
            module.apply_repetition_penalties = module.apply_repetition_penalties_torch
        elif spec.name == "vllm.utils.torch_utils":
            module.PIN_MEMORY = False
            module.async_tensor_h2d = lambda data, device=None, dtype=None: torch.tensor(
                data, dtype=torch.int64 if dtype == torch.int32 else dtype)  # older torch takes no int32 as an index
            module.make_tensor_with_pad = lambda rows, pad, dtype, **_: torch.tensor(
                [row + [pad] * (max(map(len, rows)) - len(row)) for row in rows], dtype=dtype).reshape(len(rows), -1)
        return module

    def exec_module(self, module):
        pass


def run(case: dict) -> dict:
    from vllm.exceptions import VLLMValidationError
    from vllm.sampling_params import SamplingParams
    from vllm.v1.sample.logits_processor import BatchUpdateBuilder, LogitsProcessors
    from vllm.v1.sample.logits_processor.builtin import LogitBiasLogitsProcessor, MinPLogitsProcessor, MinTokensLogitsProcessor
    from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p_pytorch
    from vllm.v1.sample.sampler import Sampler

    given = {k: v for k, v in case["sampler"].items() if k != "dialect"}
    words, ends = given.pop("bad_words_ids", None), given.pop("eos_token_id", [])
    if "min_new_tokens" in given:
        given["min_tokens"] = given.pop("min_new_tokens")
    if "logit_bias" in given:
        given["logit_bias"] = {b["tokens"]: b["bias"] for b in given["logit_bias"]}
    try:
        params = SamplingParams.from_optional(max_tokens=1000, **given)
    except VLLMValidationError as refused:
        return {"error": str(refused)}
    if ends:
        params.update_from_generation_config({"eos_token_id": ends}, ends[0])
    n = len(case["logits"])
    logits = torch.tensor([[float("-inf") if x is None else x for x in case["logits"]]], dtype=torch.float32)
    prompt, output = case["history"][:case["prompt_length"]], case["history"][case["prompt_length"]:]

    # As GPUInputBatch does with one request.
    allowed = None
    if params.allowed_token_ids:
        allowed = torch.ones((1, n), dtype=torch.bool)
        allowed[0, params.allowed_token_ids] = False
    config = types.SimpleNamespace(scheduler_config=types.SimpleNamespace(max_num_seqs=1))
    processors = LogitsProcessors(make(config, torch.device("cpu"), False) for make in
                                  (MinTokensLogitsProcessor, LogitBiasLogitsProcessor, MinPLogitsProcessor))
    update = BatchUpdateBuilder()
    update.added.append((0, params, prompt, output))
    batch = update.get_and_reset(1)
    for processor in processors.all:
        processor.update_state(batch)
    metadata = types.SimpleNamespace(
        temperature=torch.tensor([params.temperature], dtype=torch.float32), allowed_token_ids_mask=allowed,
        bad_words_token_ids={0: words} if words else {}, logitsprocs=processors, output_token_ids=[output], spec_token_ids=None,
        no_penalties=not (params.presence_penalty or params.frequency_penalty or params.repetition_penalty != 1),
        prompt_token_ids=torch.tensor([prompt]), thinking_budget_state_holder=None,
        presence_penalties=torch.tensor([params.presence_penalty], dtype=torch.float32),
        frequency_penalties=torch.tensor([params.frequency_penalty], dtype=torch.float32),
        repetition_penalties=torch.tensor([params.repetition_penalty], dtype=torch.float32))
    top_k = torch.tensor([params.top_k], dtype=torch.int32) if 0 < params.top_k < n else None
    top_p = torch.tensor([params.top_p], dtype=torch.float32) if params.top_p < 1 else None

    sampler = Sampler.__new__(Sampler)
    logits = Sampler.apply_logits_processors(sampler, logits, metadata, False)
    if bool(torch.isneginf(logits).all()):
        return {"error": "every logit is -inf: what is drawn there is undefined"}
    if params.temperature < 1e-5:
        return {"kept": [int(logits.argmax())], "probs": [1.0]}
    logits = Sampler.apply_temperature(logits, metadata.temperature, True)
    for processor in processors.argmax_invariant:
        logits = processor.apply(logits)
    logits = apply_top_k_top_p_pytorch(logits, top_k, top_p)[0]
    p = torch.softmax(logits.double(), -1)
    kept = [i for i in range(n) if logits[i] != float("-inf")]
    return {"kept": kept, "probs": [float(p[i]) for i in kept]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.meta_path.insert(0, Stubs(pathlib.Path(sys.argv[1])))
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))))
