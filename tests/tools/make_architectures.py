#!/usr/bin/env python3
"""Writes tests/fixtures/architectures: tiny random models of every architecture as GGUF, and their logits.

    python3 -m venv VENV && VENV/bin/pip install torch transformers gguf && VENV/bin/python tests/tools/make_architectures.py

The models are Hugging Face transformers' own (Apache-2.0), run in float64 on weights rounded to what the file holds.
Weights go into the layouts that llama.cpp's converter makes: q and k of llama with the two halves of a head interleaved,
norms of gemma plus one, Conv1D of gpt2 transposed, the heads of gptneox's fused projection taken apart into q, k and v.
Neither package is a dependency of logitpeek. The prompt is longer than every sliding window.
"""
import json
import sys
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers as hf

VOCAB, TOKENS, POSITIONS = 64, 24, [0, 1, 6, 7, 8, 15, 23]
LLAMA_ROPE = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
              "original_max_position_embeddings": 32}
SMALL = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=128, initializer_range=0.3, pad_token_id=None,
             bos_token_id=0, eos_token_id=0, attn_implementation="eager")


def rope(**parameters):
    return {"rope_theta": 10000.0, **parameters}


# name -> (architecture of the file, config)
MODELS = {
    "llama": ("llama", lambda: hf.LlamaConfig(**SMALL, tie_word_embeddings=False, rope_parameters=rope())),
    "llama3": ("llama", lambda: hf.LlamaConfig(**SMALL, tie_word_embeddings=True,
                                               rope_parameters=rope(**{**LLAMA_ROPE, "rope_theta": 500000.0}))),
    "llama-bias": ("llama", lambda: hf.LlamaConfig(**SMALL, attention_bias=True, mlp_bias=True, rope_parameters=rope(
        rope_type="linear", factor=4.0))),
    "mistral": ("llama", lambda: hf.MistralConfig(**SMALL, sliding_window=7, rope_parameters=rope())),
    "qwen2": ("qwen2", lambda: hf.Qwen2Config(**SMALL, tie_word_embeddings=True, rope_parameters=rope(
        rope_theta=1000000.0))),
    "qwen2-yarn": ("qwen2", lambda: hf.Qwen2Config(
        **{**SMALL, "num_attention_heads": 2, "max_position_embeddings": 16384}, rope_parameters=rope(
            rope_type="yarn", factor=4.0, original_max_position_embeddings=4096))),
    "qwen3": ("qwen3", lambda: hf.Qwen3Config(**SMALL, head_dim=16, rope_parameters=rope())),
    "gemma": ("gemma", lambda: hf.GemmaConfig(**SMALL, head_dim=16, rope_parameters=rope())),
    "gemma2": ("gemma2", lambda: hf.Gemma2Config(**{**SMALL, "num_hidden_layers": 3}, head_dim=16, sliding_window=7,
                                                 query_pre_attn_scalar=16, attn_logit_softcapping=3.0,
                                                 final_logit_softcapping=4.0, rope_parameters=rope())),
    "gemma3": ("gemma3", lambda: hf.Gemma3TextConfig(**{**SMALL, "num_hidden_layers": 6}, head_dim=16,
                                                     sliding_window=7, query_pre_attn_scalar=16, rope_parameters={
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})),
    "phi3": ("phi3", lambda: hf.Phi3Config(**SMALL, sliding_window=7, rope_parameters=rope(
        partial_rotary_factor=0.5))),
    "phi3-long": ("phi3", lambda: hf.Phi3Config(**SMALL, original_max_position_embeddings=32, rope_parameters=rope(
        rope_type="longrope", original_max_position_embeddings=32, short_factor=[1.0, 1.1, 1.3, 1.7],
        long_factor=[1.0, 2.0, 3.0, 4.0]))),
    "gpt2": ("gpt2", lambda: hf.GPT2Config(vocab_size=VOCAB, n_positions=32, n_embd=32, n_layer=2, n_head=4, n_inner=48,
                                           initializer_range=0.3, bos_token_id=0, eos_token_id=0,
                                           attn_implementation="eager")),
    "gptneox": ("gptneox", lambda: hf.GPTNeoXConfig(**{k: v for k, v in SMALL.items() if k != "num_key_value_heads"},
                                                    hidden_act="gelu", use_parallel_residual=True, rope_parameters=rope(
        partial_rotary_factor=0.25))),
    "gptneox-serial": ("gptneox", lambda: hf.GPTNeoXConfig(
        **{k: v for k, v in SMALL.items() if k != "num_key_value_heads"}, hidden_act="gelu",
        use_parallel_residual=False, rope_parameters=rope(partial_rotary_factor=0.5))),
}


def build(config) -> torch.nn.Module:
    """Random weights with norms near 1 and biases that matter, matrices rounded to half, in float64."""
    torch.manual_seed(4)
    model = hf.AutoModelForCausalLM.from_config(config).double().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim == 1:
                gemma = config.model_type.startswith("gemma")  # whose norms multiply by 1 + weight
                mean = 1.0 if "weight" in name and not gemma else 0.0
                p.copy_((mean + 0.3 * torch.randn(p.shape)).float().double())
            else:
                p.copy_(p.half().double())
    return model


def interleave(rows: np.ndarray, heads: int) -> np.ndarray:
    """(i, i + E/2) pairs -> (2i, 2i + 1)."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def split_neox(qkv: np.ndarray, heads: int) -> np.ndarray:
    """Rows (head, q/k/v, dim) -> (q/k/v, head, dim)."""
    return qkv.reshape(heads, 3, -1, *qkv.shape[1:]).swapaxes(0, 1).reshape(qkv.shape)


def tensors(model, arch: str, c) -> dict[str, np.ndarray]:
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[arch.upper()], c.num_hidden_layers)
    out = {}
    for name, p in model.state_dict().items():
        if name.endswith(("masked_bias", ".attn.bias", "inv_freq")) or (
                c.tie_word_embeddings and name == "lm_head.weight"):
            continue
        x = p.numpy()
        if arch == "gpt2" and x.ndim == 2 and ".h." in name:
            x = x.T
        if arch == "llama" and ".q_proj." in name:
            x = interleave(x, c.num_attention_heads)
        if arch == "llama" and ".k_proj." in name:
            x = interleave(x, c.num_key_value_heads)
        if arch.startswith("gemma") and "norm" in name:
            x = x + 1
        if "query_key_value" in name:
            x = split_neox(x, c.num_attention_heads)
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert found, name
        out[found] = np.ascontiguousarray(x.astype(np.float16 if x.ndim == 2 else np.float32))
    parameters = c.rope_parameters if hasattr(c, "rope_parameters") else {}
    if (parameters or {}).get("rope_type") == "llama3":
        out["rope_freqs.weight"] = llama3_factors(c, parameters)
    if (parameters or {}).get("rope_type") == "longrope":
        out["rope_factors_long.weight"] = np.array(parameters["long_factor"], np.float32)
        out["rope_factors_short.weight"] = np.array(parameters["short_factor"], np.float32)
    return out


def llama3_factors(c, p) -> np.ndarray:
    """Llama 3.1's rule, by its published description: long wavelengths times the factor, a ramp between."""
    dim = c.hidden_size // c.num_attention_heads
    wavelength = 2 * np.pi * p["rope_theta"] ** (np.arange(0, dim, 2) / dim)
    turns = p["original_max_position_embeddings"] / wavelength
    smooth = np.clip((turns - p["low_freq_factor"]) / (p["high_freq_factor"] - p["low_freq_factor"]), 0, 1)
    return (1 / ((1 - smooth) / p["factor"] + smooth)).astype(np.float32)


def metadata(w: gguf.GGUFWriter, arch: str, c) -> None:
    heads, kv = c.num_attention_heads, getattr(c, "num_key_value_heads", c.num_attention_heads)
    head_dim = getattr(c, "head_dim", None) or c.hidden_size // heads
    w.add_tokenizer_model("no_vocab")  # so that llama.cpp, too, loads these files
    w.add_vocab_size(VOCAB)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers)
    w.add_feed_forward_length(c.n_inner if arch == "gpt2" else c.intermediate_size)
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    if arch in ("gpt2", "gptneox"):
        w.add_layer_norm_eps(c.layer_norm_epsilon if arch == "gpt2" else c.layer_norm_eps)
    else:
        w.add_layer_norm_rms_eps(c.rms_norm_eps)
    if head_dim * heads != c.hidden_size:
        w.add_key_length(head_dim)
        w.add_value_length(head_dim)
    if arch == "gptneox":
        w.add_parallel_residual(c.use_parallel_residual)
    if getattr(c, "sliding_window", None) and arch != "qwen2":
        w.add_sliding_window(c.sliding_window)
    if arch == "gemma2":
        w.add_attn_logit_softcapping(c.attn_logit_softcapping)
        w.add_final_logit_softcapping(c.final_logit_softcapping)
    if arch == "gpt2":
        return
    p = c.rope_parameters["full_attention"] if arch == "gemma3" else c.rope_parameters
    w.add_rope_freq_base(p["rope_theta"])
    w.add_rope_dimension_count(int(head_dim * p.get("partial_rotary_factor", 1)))
    kind = p.get("rope_type")
    if kind == "linear":
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(p["factor"])
    if kind == "yarn":
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(p["factor"])
        w.add_rope_scaling_orig_ctx_len(p["original_max_position_embeddings"])
    if kind == "longrope":
        original = p["original_max_position_embeddings"]
        w.add_rope_scaling_orig_ctx_len(original)
        w.add_rope_scaling_attn_factors(
            float(np.sqrt(1 + np.log(c.max_position_embeddings / original) / np.log(original))))


def main() -> None:
    folder = Path(__file__).parent.parent / "fixtures" / "architectures"
    tokens = [int(t) for t in np.random.default_rng(4).integers(0, VOCAB, TOKENS)]
    out = {"source": f"transformers {version('transformers')} in float64 on torch {version('torch')}, "
                     "by tests/tools/make_architectures.py",
           "tokens": tokens, "positions": POSITIONS, "logits": {}}
    for name, (arch, make) in MODELS.items():
        config = make()
        model = build(config)
        with torch.no_grad():
            logits = model(torch.tensor([tokens]), use_cache=False).logits[0].double().numpy()
        w = gguf.GGUFWriter(folder / f"{name}.gguf", arch)
        metadata(w, arch, config)
        for tensor, x in tensors(model, arch, config).items():
            w.add_tensor(tensor, x)
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
        out["logits"][name] = [[float(f"{v:.9g}") for v in logits[p]] for p in POSITIONS]
        print(name, f"logits of spread {logits.std():.2f}", file=sys.stderr)
    (folder / "logits.json").write_text(json.dumps(out, separators=(",", ":")).replace("]],", "]],\n") + "\n")


if __name__ == "__main__":
    main()
