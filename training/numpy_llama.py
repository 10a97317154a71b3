"""The llama forward pass again, in NumPy over a GGUF file: the independent check of model.py, of the exporter, and of the C++.

Written from the definition (interleaved RoPE, one plain loop over layers), it shares no code with model.py.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import numpy as np

import gguf


class NumpyLlama:
    """dtype float64 for reference values, float32 to score long texts in reasonable time."""

    def __init__(self, path: str | Path, dtype: type = np.float64):
        self.metadata, tensors = gguf.read(path)
        self.w = {name: array.astype(dtype) for name, array in tensors.items()}
        self.dtype = dtype
        get = lambda key: self.metadata[f"llama.{key}"]  # noqa: E731
        self.layers, self.context = get("block_count"), get("context_length")
        self.heads, self.kv_heads = get("attention.head_count"), get("attention.head_count_kv")
        self.head_dim = get("embedding_length") // self.heads
        # The file holds the f32 nearest to the decimal; float32 -> float64 keeps exactly that value.
        self.eps, self.base = get("attention.layer_norm_rms_epsilon"), get("rope.freq_base")
        self.bos = self.metadata["tokenizer.ggml.bos_token_id"]

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.dtype(self.eps)) * self.w[name]

    def _rope(self, x: np.ndarray) -> np.ndarray:
        """[T, heads, E]: turns the pairs (2i, 2i + 1) by position * base^(-2i / E)."""
        t, _, e = x.shape
        angle = np.outer(np.arange(t), self.base ** (-np.arange(0, e, 2) / e))[:, None, :]
        cos, sin = np.cos(angle).astype(self.dtype), np.sin(angle).astype(self.dtype)
        out = np.empty_like(x)
        out[..., 0::2] = x[..., 0::2] * cos - x[..., 1::2] * sin
        out[..., 1::2] = x[..., 0::2] * sin + x[..., 1::2] * cos
        return out

    def _attention(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        """q: [T, H, E]; k, v: [T, K, E] -> [T, H * E]"""
        t, out = len(q), np.empty_like(q)
        future = np.triu(np.ones((t, t), dtype=bool), 1)
        for h in range(self.heads):
            g = h // (self.heads // self.kv_heads)
            scores = q[:, h] @ k[:, g].T / self.dtype(np.sqrt(self.head_dim))
            scores[future] = -np.inf
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            out[:, h] = scores / scores.sum(-1, keepdims=True) @ v[:, g]
        return out.reshape(t, -1)

    def logits(self, ids: list[int] | np.ndarray, first: int = 0) -> np.ndarray:
        """ids: [T], T <= context -> logits of positions first..T-1, [T - first, V]"""
        w, x = self.w, self.w["token_embd.weight"][np.asarray(ids)]
        t = len(x)
        for i in range(self.layers):
            p = f"blk.{i}."
            h = self._norm(x, p + "attn_norm.weight")
            q, k, v = (h @ w[p + f"attn_{n}.weight"].T for n in "qkv")
            q = self._rope(q.reshape(t, self.heads, self.head_dim))
            k = self._rope(k.reshape(t, self.kv_heads, self.head_dim))
            mixed = self._attention(q, k, v.reshape(t, self.kv_heads, self.head_dim))
            x = x + mixed @ w[p + "attn_output.weight"].T
            h = self._norm(x, p + "ffn_norm.weight")
            gate = h @ w[p + "ffn_gate.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ w[p + "ffn_up.weight"].T)) @ w[p + "ffn_down.weight"].T
        head = w.get("output.weight", w["token_embd.weight"])
        return self._norm(x[first:], "output_norm.weight") @ head.T


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """[..., V] -> [...]"""
    top = logits.max(-1, keepdims=True)
    return (top + np.log(np.exp(logits - top).sum(-1, keepdims=True)))[..., 0]


def scored_windows(context: int, bos: int, ids: list[int]) -> Iterator[tuple[np.ndarray, int, np.ndarray]]:
    """How a text is cut for scoring, the rule of `logitpeek score`: (inputs, first, targets) where the logits at position
    first + i of `inputs` predict targets[i].

    The stream is [BOS] + ids. Window w covers positions [w * S, w * S + C), C the model's context and S = C / 2, and
    scores the targets that no earlier window has scored: every token once, with at least S tokens before it once there
    are that many.
    """
    stream = np.array([bos, *ids])
    start, scored = 0, 1  # position 0 is BOS: given, not predicted
    while scored < len(stream):
        window = stream[start:start + context]
        first = scored - start - 1  # the logits at position p - 1 predict position p
        yield window[:-1], first, window[first + 1:]
        scored, start = start + len(window), start + context // 2


def score(model: NumpyLlama, ids: list[int]) -> np.ndarray:
    """-log p in nats of each of `ids` (without BOS)."""
    nll = [np.zeros(0)]
    for inputs, first, targets in scored_windows(model.context, model.bos, ids):
        logits = model.logits(inputs, first)
        nll.append((log_sum_exp(logits) - logits[np.arange(len(targets)), targets]).astype(np.float64))
    return np.concatenate(nll)


def tokenizer_of(metadata: dict[str, Any]) -> Any:
    """An object with encode(text) -> ids, built from the file's own vocabulary."""
    from spm import SpmTokenizer
    from tokenizer import Tokenizer

    if metadata["tokenizer.ggml.model"] == "llama":
        return SpmTokenizer(metadata)
    ids = {token: i for i, token in enumerate(metadata["tokenizer.ggml.tokens"])}
    merges = [tuple(ids[part] for part in merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(merges)
    if tokenizer.vocab != metadata["tokenizer.ggml.tokens"]:
        raise ValueError("not a vocabulary of this trainer: <|endoftext|>, 256 bytes, then merges in order")
    return tokenizer
