"""The forward pass of every architecture in double precision, from the published definitions: no cache, no batches, and no code shared
with src/. Weights are decoded by the gguf package, which is not ours either.

Asked for logitpeek's way, it rounds activations to 16 bits before a product with weights of a block type, as src/quant/matrix.h says.
Asked for the peer's way, it makes the roundings and departures that llama.cpp makes, and only those: what is left between that and
llama.cpp itself is float32 arithmetic. They are:
  - activations become F16, BF16, Q8_0, Q8_1 or Q8_K before a product with weights of another type than F32;
  - GELU is read from a table over F16, in F16;
  - gptneox computes GELU by the approximation with tanh, where Pythia was trained with the exact one;
  - the sliding windows of Mistral and Phi-3 are not there.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import gguf
import numpy as np

Array = np.ndarray
EXACT, OURS, PEER = "exact", "ours", "peer"


@dataclass(frozen=True)
class Family:
    layer_norm: bool = False
    pairs: str = "halves"  # which numbers of a head turn together: "neighbours", "halves" or "" for no rotation
    activation: str = "silu"
    gated: bool = True
    parallel: bool = False
    scaled_embedding: bool = False
    peer_activation: str = ""  # where the peer's is another
    peer_has_window: bool = True
    window_period: int = 0  # all but the last of so many layers have the window; 0: all
    window_base: float = 0.0
    wide_scale_layers: int = 0  # a model of so many layers divides scores by sqrt(n_embd / n_head)


FAMILIES = {
    "llama": Family(pairs="neighbours", peer_has_window=False),
    "qwen2": Family(),
    "qwen3": Family(),
    "gemma": Family(activation="gelu_tanh", scaled_embedding=True),
    "gemma2": Family(activation="gelu_tanh", scaled_embedding=True, window_period=2, wide_scale_layers=46),
    "gemma3": Family(activation="gelu_tanh", scaled_embedding=True, window_period=6, window_base=10000.0, wide_scale_layers=62),
    "phi3": Family(peer_has_window=False),
    "gpt2": Family(layer_norm=True, pairs="", activation="gelu_tanh", gated=False),
    "gptneox": Family(layer_norm=True, activation="gelu", peer_activation="gelu_tanh", gated=False, parallel=True),
}


def _half(x: Array) -> Array:
    return x.astype(np.float16).astype(np.float64)


def _bfloat(x: Array) -> Array:
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


def _blocks(x: Array, size: int) -> Array:
    return x.astype(np.float32).reshape(len(x), -1, size)


def _q8_0(x: Array) -> tuple[Array, Array]:
    """([T, blocks, 32] whole numbers, [T, blocks, 1] their unit before it becomes F16)"""
    b = _blocks(x, 32)
    most = np.abs(b).max(-1, keepdims=True)
    q = np.rint(b * np.divide(np.float32(127), most, out=np.zeros_like(most), where=most > 0))
    return q.astype(np.float64), (most / np.float32(127)).astype(np.float64)


def _q8_k(x: Array) -> Array:
    b = _blocks(x, 256)
    most = np.take_along_axis(b, np.abs(b).argmax(-1)[..., None], -1)
    scale = np.divide(np.float32(-127), most, out=np.zeros_like(most), where=most != 0)
    unit = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale != 0)
    return (np.minimum(127, np.rint(scale * b)).astype(np.float64) * unit).reshape(x.shape)


def _sixteen_bits(x: Array) -> Array:
    """Blocks of 32 as whole multiples, below 2^15, of a power of two."""
    b = _blocks(x, 32)
    _, exponent = np.frexp(np.abs(b).max(-1, keepdims=True))  # the largest is below 2^exponent
    unit = np.ldexp(1.0, exponent - 15)
    return (np.minimum(np.rint(b / unit), 32767) * unit).reshape(x.shape)


def _round(x: Array, kind: str) -> Array:
    """What llama.cpp makes of activations that meet weights of this type."""
    if kind == "F16":
        return _half(x)
    if kind == "BF16":
        return _bfloat(x)
    if kind.endswith("_K") or kind == "IQ4_XS":
        return _q8_k(x)
    q, unit = _q8_0(x)
    return (q * _half(unit)).reshape(x.shape)


class Weights:
    def __init__(self, path: str):
        reader = gguf.GGUFReader(path)
        self.keys = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("tokenizer.")}
        self.kinds = {t.name: t.tensor_type.name for t in reader.tensors}
        self.values, self.minima = {}, {}
        for t in reader.tensors:
            shape = t.shape[::-1]
            self.values[t.name] = gguf.dequantize(t.data, t.tensor_type).astype(np.float64).reshape(shape)
            if t.tensor_type.name in ("Q4_1", "Q5_1"):  # blocks of d and m in F16, then quants: m * (the sum of activations) is apart
                raw = np.ascontiguousarray(t.data).reshape(-1, {"Q4_1": 20, "Q5_1": 24}[t.tensor_type.name])
                self.minima[t.name] = np.ascontiguousarray(raw[:, 2:4]).view(np.float16).astype(np.float64).reshape(shape[0], -1)

    def has(self, name: str) -> bool:
        return name in self.values

    def times(self, name: str, x: Array, way: str) -> Array:
        """x [T, columns] -> [T, rows]"""
        w, kind = self.values[name + ".weight"], self.kinds[name + ".weight"]
        if way == EXACT or kind == "F32" or way == OURS and kind in ("F16", "BF16"):
            y = x @ w.T
        elif way == OURS:
            y = _sixteen_bits(x) @ w.T
        elif name + ".weight" in self.minima:
            minima = self.minima[name + ".weight"]
            q, unit = _q8_0(x)
            sums = _half(q.sum(-1) * unit[..., 0])  # Q8_1 keeps the sum of a block, in F16
            y = (q * _half(unit)).reshape(x.shape) @ (w - np.repeat(minima, 32, axis=1)).T + sums @ minima.T
        else:
            y = _round(x, kind) @ w.T
        return y + self.values[name + ".bias"] if self.has(name + ".bias") else y


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def _activate(x: Array, kind: str, way: str) -> Array:
    if kind == "silu":
        return x / (1 + np.exp(-x))
    if kind == "gelu":
        return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    if way != PEER:
        return _gelu_tanh(x)
    return np.where(x <= -10, 0, np.where(x >= 10, x, _half(_gelu_tanh(_half(x)))))


class DoubleModel:
    def __init__(self, path: str):
        self.w = Weights(path)
        self.name = self.w.keys["general.architecture"]
        self.family = FAMILIES[self.name]
        self.n_layer, self.n_embd = self._key("block_count"), self._key("embedding_length")
        self.n_head = self._key("attention.head_count")
        self.n_kv = self._key("attention.head_count_kv", self.n_head)
        self.dim = self._key("attention.key_length", self.n_embd // self.n_head)
        self.n_rope = self._key("rope.dimension_count", self.dim)
        self.epsilon = self._key("attention.layer_norm_epsilon" if self.family.layer_norm else "attention.layer_norm_rms_epsilon")
        self.window = self._key("attention.sliding_window", 0)
        wide = self.n_layer == self.family.wide_scale_layers
        self.scale = 1 / math.sqrt(self.n_embd / self.n_head if wide else self.dim)

    def _key(self, name: str, default=None):
        return self.w.keys.get(f"{self.name}.{name}", default)

    def _norm(self, x: Array, name: str) -> Array:
        if self.family.layer_norm:
            x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * self.w.values[name + ".weight"]
        return x + self.w.values[name + ".bias"] if self.w.has(name + ".bias") else x

    def _angles(self, n: int, windowed: bool) -> tuple[Array, float]:
        """([n, pairs] in radians, what rotated vectors are multiplied by)"""
        i = np.arange(self.n_rope // 2)
        if windowed and self.family.window_base:
            return np.arange(n)[:, None] * self.family.window_base ** (-2.0 * i / self.n_rope), 1.0
        base, magnitude = self._key("rope.freq_base", 10000.0), self._key("rope.scaling.attn_factor", 1.0)
        frequency, kind = base ** (-2.0 * i / self.n_rope), self._key("rope.scaling.type", "linear")
        which = "long" if self._key("context_length") > self._key("rope.scaling.original_context_length", math.inf) else "short"
        for factors in ("rope_freqs.weight", f"rope_factors_{which}.weight"):
            if self.w.has(factors):
                frequency = frequency / self.w.values[factors]
        if kind == "linear":
            frequency = frequency / self._key("rope.scaling.factor", 1.0)
        if kind == "yarn":  # Peng et al., 2023: pairs that turn often stay, those that turn less than once are stretched
            factor, original = self._key("rope.scaling.factor"), self._key("rope.scaling.original_context_length")
            turns = lambda t: self.n_rope * math.log(original / (t * 2 * math.pi)) / (2 * math.log(base))  # noqa: E731
            low, high = max(0, math.floor(turns(32))), min(self.n_rope - 1, math.ceil(turns(1)))
            slow = np.clip((i - low) / max(0.001, high - low), 0, 1)
            frequency = frequency * (slow / factor + 1 - slow)
            magnitude *= 1 + 0.1 * math.log(factor)
        return np.arange(n)[:, None] * frequency, magnitude

    def _turn(self, x: Array, angles: Array, magnitude: float) -> Array:
        """x [T, heads, dim]"""
        if not self.family.pairs:
            return x
        n, out = self.n_rope // 2, x.copy()
        first, second = (slice(0, n), slice(n, 2 * n)) if self.family.pairs == "halves" else (slice(0, 2 * n, 2), slice(1, 2 * n, 2))
        c, s = np.cos(angles)[:, None] * magnitude, np.sin(angles)[:, None] * magnitude
        out[..., first], out[..., second] = x[..., first] * c - x[..., second] * s, x[..., first] * s + x[..., second] * c
        return out

    def _attention(self, h: Array, layer: int, way: str) -> Array:
        b, n = f"blk.{layer}.", len(h)
        if self.w.has(b + "attn_qkv.weight"):
            sizes = [self.n_head * self.dim, self.n_kv * self.dim]
            q, k, v = np.split(self.w.times(b + "attn_qkv", h, way), np.cumsum(sizes + sizes[1:])[:2], axis=1)
        else:
            q, k, v = (self.w.times(b + name, h, way) for name in ("attn_q", "attn_k", "attn_v"))
        q, k, v = q.reshape(n, self.n_head, -1), k.reshape(n, self.n_kv, -1), v.reshape(n, self.n_kv, -1)
        if self.w.has(b + "attn_q_norm.weight"):
            q, k = self._norm(q, b + "attn_q_norm"), self._norm(k, b + "attn_k_norm")
        period = self.family.window_period
        windowed = self.window > 0 and (period == 0 or layer % period + 1 < period) and (self.family.peer_has_window or way != PEER)
        turn = self._angles(n, windowed)
        q, k = self._turn(q, *turn), self._turn(k, *turn)
        k, v = (np.repeat(a, self.n_head // self.n_kv, axis=1) for a in (k, v))
        q, k, v = (a.transpose(1, 0, 2) for a in (q, k, v))  # [heads, T, dim]
        scores = q @ k.transpose(0, 2, 1) * self.scale
        if cap := self._key("attn_logit_softcapping"):
            scores = cap * np.tanh(scores / cap)
        distance = np.arange(n)[:, None] - np.arange(n)
        scores = np.where((distance < 0) | (windowed & (distance >= self.window)), -np.inf, scores)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (p / p.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(n, -1)
        return self.w.times(b + "attn_output", mixed, way)

    def _feed_forward(self, h: Array, layer: int, way: str) -> Array:
        b = f"blk.{layer}."
        kind = way == PEER and self.family.peer_activation or self.family.activation
        inner = self.w.times(b + "ffn_up", h, way)
        if self.family.gated and self.w.has(b + "ffn_gate.weight"):
            inner = _activate(self.w.times(b + "ffn_gate", h, way), kind, way) * inner
        elif self.family.gated:  # one matrix: rows of the gate, then of the other
            gate, up = np.split(inner, 2, axis=1)
            inner = _activate(gate, kind, way) * up
        else:
            inner = _activate(inner, kind, way)
        return self.w.times(b + "ffn_down", inner, way)

    def log_probabilities(self, tokens: list[int], way: str = EXACT) -> Array:
        """[T, V] after each token."""
        x = self.w.values["token_embd.weight"][tokens]
        if self.family.scaled_embedding:
            x = x * math.sqrt(self.n_embd)
        if self.w.has("position_embd.weight"):
            x = x + self.w.values["position_embd.weight"][:len(tokens)]
        for layer in range(self.n_layer):
            b = f"blk.{layer}."
            added = self._attention(self._norm(x, b + "attn_norm"), layer, way)
            if self.w.has(b + "post_attention_norm.weight"):
                added = self._norm(added, b + "post_attention_norm")
            parallel = self._key("use_parallel_residual", self.family.parallel)
            before, x = x, x + added
            added = self._feed_forward(self._norm(before if parallel else x, b + "ffn_norm"), layer, way)
            if self.w.has(b + "post_ffw_norm.weight"):
                added = self._norm(added, b + "post_ffw_norm")
            x = x + added
        head = "output" if self.w.has("output.weight") else "token_embd"
        logits = self.w.times(head, self._norm(x, "output_norm"), way)
        if cap := self._key("final_logit_softcapping"):
            logits = cap * np.tanh(logits / cap)
        logits = logits - logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))
