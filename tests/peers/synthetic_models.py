"""Small models with random weights, as GGUF files that llama.cpp and logitpeek both load: every architecture, in shapes and
variants that use each of its parts. Weights are spread so that attention is peaked, activations leave the linear range and logits
have a spread of a few nats: a part computed wrongly changes log-probabilities by tenths, not by rounding.
"""
from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import gguf
import numpy as np

N_VOCAB, N_CTX, WINDOW = 352, 256, 16
SPREAD = 2.5  # of the logits, about


@dataclass
class Model:
    """One file to write. `keys` are metadata after the architecture's prefix; `parts` what else differs (see `tensors`)."""
    architecture: str
    shape: str
    n_embd: int
    n_layer: int
    n_head: int
    n_kv_head: int
    n_ff: int
    head_dim: int = 0  # 0: n_embd / n_head, and no key says so
    tied: bool = True
    keys: dict[str, Any] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()

    @property
    def dim(self) -> int:
        return self.head_dim or self.n_embd // self.n_head


@dataclass(frozen=True)
class Family:
    """What of an architecture the writer must know: which tensors there are."""
    layer_norm: bool = False  # norms have biases
    gated: bool = True
    fused_qkv: bool = False
    fused_gate_up: bool = False
    biases: bool = False  # of all projections
    qkv_biases: bool = False
    qk_norm: bool = False
    post_norms: bool = False
    positions: bool = False  # learnt ones
    free_head_dim: bool = True
    grouped: bool = True  # may have fewer key-value heads
    keys: tuple[tuple[str, Any], ...] = ()


FAMILIES = {
    "llama": Family(),
    "qwen2": Family(qkv_biases=True, free_head_dim=False),
    "qwen3": Family(qk_norm=True),
    "gemma": Family(),
    "gemma2": Family(post_norms=True, keys=(("attention.sliding_window", WINDOW), ("attn_logit_softcapping", 4.0), ("final_logit_softcapping", 6.0))),
    "gemma3": Family(post_norms=True, qk_norm=True, keys=(("attention.sliding_window", WINDOW), ("rope.freq_base", 1e6))),
    "phi3": Family(fused_qkv=True, fused_gate_up=True, free_head_dim=False),
    "gpt2": Family(layer_norm=True, gated=False, fused_qkv=True, biases=True, positions=True, free_head_dim=False, grouped=False),
    "gptneox": Family(layer_norm=True, gated=False, fused_qkv=True, biases=True, free_head_dim=False, grouped=False, keys=(("use_parallel_residual", True),)),
}


def shapes(architecture: str) -> list[Model]:
    """Two whose rows are whole blocks of 256, for every type; one of odd widths for the types that need 32 or nothing."""
    f = FAMILIES[architecture]
    deep = 7 if architecture == "gemma3" else 3  # its sixth layer is the first without a window
    kv = (lambda n: n) if f.grouped else (lambda n: 0)
    tied = architecture != "gptneox"  # whose head llama.cpp wants
    return [
        Model(architecture, "256x%d" % deep, 256, deep, 4, kv(2) or 4, 512, tied=tied),
        Model(architecture, "512x2", 512, 2, 8, kv(1) or 8, 768, head_dim=96 if f.free_head_dim else 0, tied=architecture.startswith("gemma")),
        Model(architecture, "96x2", 96, 2, 3, 3, 160, tied=tied),
    ]


def variants() -> list[Model]:
    """What an architecture's files may have besides, one of each: in the first shape, but for the depths that Gemma's scales hang on."""
    def one(architecture: str, name: str, keys: dict[str, Any] | None = None, *parts: str, **changes: Any) -> Model:
        model = shapes(architecture)[0]
        for key, value in {"shape": name, "keys": keys or {}, "parts": frozenset(parts), **changes}.items():
            setattr(model, key, value)
        return model

    half = {"rope.dimension_count": 32}
    longrope = {**half, "rope.scaling.type": "longrope", "rope.scaling.attn_factor": 1.19}
    return [
        one("llama", "llama3 rope", {"rope.freq_base": 5e5}, "rope_freqs"),
        one("llama", "linear rope", {"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}),
        one("llama", "mistral window", {"attention.sliding_window": WINDOW}),
        one("llama", "biases", None, "biases"),
        one("qwen2", "yarn", {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 64}),
        one("gemma3", "linear rope", {"rope.scaling.type": "linear", "rope.scaling.factor": 8.0}),
        one("gemma2", "27b scale", n_embd=64, n_layer=46, n_head=4, n_kv_head=2, n_ff=96, head_dim=32),
        one("gemma3", "27b scale", n_embd=64, n_layer=62, n_head=4, n_kv_head=2, n_ff=96, head_dim=32),
        one("phi3", "longrope, short", {**longrope, "rope.scaling.original_context_length": N_CTX}, "longrope"),
        one("phi3", "longrope, long", {**longrope, "rope.scaling.original_context_length": N_CTX // 4}, "longrope"),
        one("phi3", "window", {**half, "attention.sliding_window": WINDOW}),
        one("gptneox", "quarter of rope", {"rope.dimension_count": 16}),
        one("gptneox", "serial", {"use_parallel_residual": False, "rope.dimension_count": 16}),
    ]


def tensors(m: Model) -> dict[str, np.ndarray]:
    f = FAMILIES[m.architecture]
    rng = np.random.default_rng(zlib.crc32(f"{m.architecture} {m.shape}".encode()))
    out: dict[str, np.ndarray] = {}

    def matrix(name: str, rows: int, cols: int, gain: float = 1.0, bias: bool = False) -> None:
        out[name + ".weight"] = (rng.standard_normal((rows, cols)) * gain / np.sqrt(cols)).astype(np.float32)
        if bias:
            out[name + ".bias"] = (0.3 * rng.standard_normal(rows)).astype(np.float32)

    def norm(name: str, size: int) -> None:
        out[name + ".weight"] = (1 + 0.3 * rng.standard_normal(size)).astype(np.float32)
        if f.layer_norm:
            out[name + ".bias"] = (0.3 * rng.standard_normal(size)).astype(np.float32)

    biases = f.biases or "biases" in m.parts
    q, kv = m.n_head * m.dim, m.n_kv_head * m.dim
    matrix("token_embd", N_VOCAB, m.n_embd, SPREAD)
    if f.positions:
        matrix("position_embd", N_CTX, m.n_embd, SPREAD)
    for i in range(m.n_layer):
        b = f"blk.{i}."
        norm(b + "attn_norm", m.n_embd)
        if f.fused_qkv:
            matrix(b + "attn_qkv", q + 2 * kv, m.n_embd, 1.5, biases)
        else:
            for name, rows in (("attn_q", q), ("attn_k", kv), ("attn_v", kv)):
                matrix(b + name, rows, m.n_embd, 1.5, biases or f.qkv_biases)
        if f.qk_norm:
            norm(b + "attn_q_norm", m.dim), norm(b + "attn_k_norm", m.dim)
        matrix(b + "attn_output", m.n_embd, q, 1, biases)
        norm(b + "ffn_norm", m.n_embd)
        if f.gated and not f.fused_gate_up:
            matrix(b + "ffn_gate", m.n_ff, m.n_embd, 1.5, biases)
        matrix(b + "ffn_up", m.n_ff * (2 if f.fused_gate_up else 1), m.n_embd, 1.5, biases)
        matrix(b + "ffn_down", m.n_embd, m.n_ff, 1, biases)
        if f.post_norms:
            norm(b + "post_attention_norm", m.n_embd), norm(b + "post_ffw_norm", m.n_embd)
    norm("output_norm", m.n_embd)
    if not m.tied:
        matrix("output", N_VOCAB, m.n_embd, SPREAD)
    n_pairs = m.keys.get("rope.dimension_count", m.dim) // 2
    if "rope_freqs" in m.parts:
        out["rope_freqs.weight"] = np.linspace(1, 8, n_pairs).astype(np.float32)
    if "longrope" in m.parts:
        out["rope_factors_short.weight"] = np.linspace(1, 1.7, n_pairs).astype(np.float32)
        out["rope_factors_long.weight"] = np.linspace(1, 4, n_pairs).astype(np.float32)
    return out


def write_vocabulary(w: gguf.GGUFWriter) -> None:
    """<unk> <s> </s>, 256 bytes, then letters and pairs of them: enough for either program to accept the file."""
    letters = "etaoinshr"
    pieces = ["\u2581"] + list(letters) + [a + b for a in letters for b in letters]
    pieces = pieces[:N_VOCAB - 259] + [f"<extra {i}>" for i in range(N_VOCAB - 259 - len(pieces))]
    w.add_tokenizer_model("llama")
    w.add_token_list(["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + pieces)
    w.add_token_scores([0.0] * 259 + [-float(i) for i in range(len(pieces))])
    w.add_token_types([2, 3, 3] + [6] * 256 + [1] * len(pieces))
    w.add_bos_token_id(1), w.add_eos_token_id(2), w.add_unk_token_id(0), w.add_add_bos_token(False)


def write(path: str, m: Model) -> None:
    """In F32; other types are llama.cpp's own quantisation of this file."""
    f = FAMILIES[m.architecture]
    w = gguf.GGUFWriter(path, m.architecture)
    w.add_context_length(N_CTX), w.add_embedding_length(m.n_embd), w.add_block_count(m.n_layer), w.add_feed_forward_length(m.n_ff)
    w.add_head_count(m.n_head), w.add_head_count_kv(m.n_kv_head), w.add_file_type(0)
    (w.add_layer_norm_eps if f.layer_norm else w.add_layer_norm_rms_eps)(1e-5)
    if m.head_dim:
        w.add_key_length(m.head_dim), w.add_value_length(m.head_dim)
    keys = {**dict(f.keys), **m.keys}
    if not f.positions:
        keys.setdefault("rope.dimension_count", m.dim)
    for key, value in keys.items():
        add = {bool: w.add_bool, int: w.add_uint32, float: w.add_float32, str: w.add_string}[type(value)]
        add(f"{m.architecture}.{key}", value)
    write_vocabulary(w)
    for name, x in tensors(m).items():
        w.add_tensor(name, x)
    w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file()
    w.close()
