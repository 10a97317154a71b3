"""The llama architecture as GGUF's "llama" means it: RMSNorm, RoPE, grouped-query attention, SwiGLU, no biases, tied head.

Legend: B batch, T positions, D d_model, H query heads, K key/value heads, E head size, F feed-forward size, V vocabulary.

RoPE here turns (i, i + E/2) pairs, which vectorises better than GGUF's (2i, 2i + 1); export_gguf.py permutes the rows of
q and k to make up for it. Nothing that the format cannot express is used (no QK-norm, no logit cap).
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    vocab: int = 4096
    context: int = 512
    layers: int = 8
    d_model: int = 384
    heads: int = 6
    kv_heads: int = 2
    d_ff: int = 1024
    rope_base: float = 10000.0
    eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.d_model // self.heads


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """Weights stay f32 for the optimiser; the product runs in the activations' type (bf16 where the machine has it)."""
    return F.linear(x, weight.to(x.dtype))


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """[..., D] -> [..., D]; the mean square is taken in f32."""
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


def rope(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x: [B, T, heads, E]; cos, sin: [T, 1, E/2] f32."""
    a, b = x.float().chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1).to(x.dtype)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention, [B, H, T, E] each -> [B, H, T, E]."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    t = q.shape[-2]  # PyTorch 1.13
    mask = torch.full((t, t), float("-inf"), device=q.device).triu(1)
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + mask
    return scores.softmax(-1).to(v.dtype) @ v


def matrix(rows: int, columns: int, std: float) -> nn.Parameter:
    return nn.Parameter(torch.randn(rows, columns) * std)


class Block(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        std = c.d_model ** -0.5
        self.attn_norm = nn.Parameter(torch.ones(c.d_model))
        self.q = matrix(c.d_model, c.d_model, std)
        self.k = matrix(c.kv_heads * c.head_dim, c.d_model, std)
        self.v = matrix(c.kv_heads * c.head_dim, c.d_model, std)
        # What writes into the residual stream starts at zero: the untrained network is the identity.
        self.o = matrix(c.d_model, c.d_model, 0.0)
        self.ffn_norm = nn.Parameter(torch.ones(c.d_model))
        self.gate = matrix(c.d_ff, c.d_model, std)
        self.up = matrix(c.d_ff, c.d_model, std)
        self.down = matrix(c.d_model, c.d_ff, 0.0)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """[B, T, D] -> [B, T, D]"""
        c, (b, t, _) = self.c, x.shape
        h = rms_norm(x, self.attn_norm, c.eps)
        q = rope(linear(h, self.q).view(b, t, c.heads, c.head_dim), cos, sin)
        k = rope(linear(h, self.k).view(b, t, c.kv_heads, c.head_dim), cos, sin)
        v = linear(h, self.v).view(b, t, c.kv_heads, c.head_dim)
        if c.kv_heads != c.heads:  # query head i reads key/value head i // (H / K)
            k, v = (y.repeat_interleave(c.heads // c.kv_heads, dim=2) for y in (k, v))
        mixed = attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        x = x + linear(mixed.transpose(1, 2).reshape(b, t, c.d_model), self.o)
        h = rms_norm(x, self.ffn_norm, c.eps)
        return x + linear(F.silu(linear(h, self.gate)) * linear(h, self.up), self.down)


class Llama(nn.Module):
    def __init__(self, c: Config, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.c, self.dtype = c, dtype
        self.embedding = matrix(c.vocab, c.d_model, 0.02)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.norm = nn.Parameter(torch.ones(c.d_model))
        frequency = c.rope_base ** (-torch.arange(0, c.head_dim, 2).double() / c.head_dim)  # [E/2]
        angle = torch.outer(torch.arange(c.context).double(), frequency)[:, None, :]  # [T, 1, E/2]
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """[B, T] int64 -> logits [B, T, V] in the compute type"""
        t = ids.shape[1]
        x = F.embedding(ids, self.embedding).to(self.dtype)
        for block in self.blocks:
            x = block(x, self.cos[:t], self.sin[:t])
        return linear(rms_norm(x, self.norm, self.c.eps), self.embedding)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats; ids, targets: [B, T]."""
        logits = self(ids).float()
        return F.cross_entropy(logits.view(-1, self.c.vocab), targets.reshape(-1))
