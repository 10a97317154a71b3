"""Checkpoint + tokenizer -> GGUF, F32 or Q8_0 (norms stay F32).

    python3 export_gguf.py --checkpoint build/training/run/last.pt --tokenizer build/training/tokenizer.json \\
        --temperature 1.051 --type q8_0 --out models/logitpeek-tales-q8_0.gguf
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gguf
from model import Config
from tokenizer import Tokenizer

NORMAL, CONTROL = 1, 3
NAMES = {"attn_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
         "ffn_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}


def interleave(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows of q or k, [heads * E, D]: (i, i + E/2) pairs of the trainer -> (2i, 2i + 1) pairs of GGUF."""
    return rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def deinterleave(rows: np.ndarray, heads: int) -> np.ndarray:
    """The inverse of interleave()."""
    return rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def load(path: Path) -> tuple[Config, dict[str, torch.Tensor], dict[str, Any]]:
    """(config, weights as model.py names them, metadata) of a file this script wrote: how a later leg of training starts
    from a shipped model when the checkpoint is gone."""
    found, table = gguf.read(path)
    c = Config(vocab=found["llama.vocab_size"], context=found["llama.context_length"], layers=found["llama.block_count"],
               d_model=found["llama.embedding_length"], heads=found["llama.attention.head_count"],
               kv_heads=found["llama.attention.head_count_kv"], d_ff=found["llama.feed_forward_length"])
    weights = {"embedding": table["token_embd.weight"], "norm": table["output_norm.weight"]}
    for layer in range(c.layers):
        for ours, theirs in NAMES.items():
            array = table[f"blk.{layer}.{theirs}.weight"]
            if ours in ("q", "k"):
                array = deinterleave(array, c.heads if ours == "q" else c.kv_heads)
            weights[f"blocks.{layer}.{ours}"] = array
    return c, {name: torch.from_numpy(array.copy()) for name, array in weights.items()}, found


def metadata(c: Config, tokenizer: Tokenizer, quantised: bool, at: dict[str, Any]) -> dict[str, Any]:
    return {
        "general.architecture": "llama",
        "general.name": "logitpeek tales",
        "general.description": f"A small model of English tales, trained on {at['tokens']} tokens for looking at "
                               "next-token distributions. Sources and limits: models/README.md",
        "general.license": "mit",
        "general.file_type": 7 if quantised else 0,
        "general.alignment": gguf.ALIGNMENT,
        "llama.vocab_size": c.vocab,
        "llama.context_length": c.context,
        "llama.embedding_length": c.d_model,
        "llama.block_count": c.layers,
        "llama.feed_forward_length": c.d_ff,
        "llama.attention.head_count": c.heads,
        "llama.attention.head_count_kv": c.kv_heads,
        "llama.attention.layer_norm_rms_epsilon": c.eps,
        "llama.rope.dimension_count": c.head_dim,
        "llama.rope.freq_base": c.rope_base,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokenizer.vocab,
        "tokenizer.ggml.token_type": [CONTROL] + [NORMAL] * (len(tokenizer) - 1),
        "tokenizer.ggml.merges": [f"{tokenizer.vocab[a]} {tokenizer.vocab[b]}" for a, b in tokenizer.merges],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": False,
    }


def tensors(weights: dict[str, torch.Tensor], c: Config, kind: int) -> dict[str, tuple[np.ndarray, int]]:
    """GGUF name -> (array, type); a tied head has no output.weight."""
    found = {"token_embd.weight": (weights["embedding"].numpy(), kind)}
    for layer in range(c.layers):
        for ours, theirs in NAMES.items():
            array = weights[f"blocks.{layer}.{ours}"].numpy()
            if ours in ("q", "k"):
                array = interleave(array, c.heads if ours == "q" else c.kv_heads)
            found[f"blk.{layer}.{theirs}.weight"] = (array, kind if array.ndim == 2 else gguf.F32)
    if not c.tied:
        found["output.weight"] = (weights["output"].numpy(), kind)
    found["output_norm.weight"] = (weights["norm"].numpy(), gguf.F32)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("build/training/run/last.pt"))
    parser.add_argument("--tokenizer", type=Path, default=Path("build/training/tokenizer.json"))
    parser.add_argument("--type", choices=("f32", "q8_0"), default="q8_0")
    parser.add_argument("--temperature", type=float, default=1, help="divide every logit by this (temperature.py fits it)")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    checkpoint = torch.load(args.checkpoint, map_location="cpu")
    c, kind = Config(**checkpoint["config"]), gguf.Q8_0 if args.type == "q8_0" else gguf.F32
    weights = checkpoint["model"]
    weights["norm"] = weights["norm"] / args.temperature  # the head is linear after it
    table = tensors(weights, c, kind)
    gguf.write(args.out, metadata(c, Tokenizer.load(args.tokenizer), kind == gguf.Q8_0, checkpoint["at"]), table)
    print(f"{args.out}: {sum(a.size for a, _ in table.values())} parameters, {args.out.stat().st_size} bytes, "
          f"after {checkpoint['at']}")


if __name__ == "__main__":
    main()
