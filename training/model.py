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
    layers: int = 6
    d_model: int = 384
    heads: int = 6
    kv_heads: int = 2
    d_ff: int = 1024
    rope_base: float = 10000.0
    eps: float = 1e-5
    tied: bool = True  # the head is the embedding
    dropout: float = 0.0  # of what a layer adds to the residual stream, in training

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


class BlockAttention(torch.autograd.Function):
    """softmax(q k^T / sqrt(E), causal) v for queries that are the last `rows` of S positions.

    q: [N, G * rows, E], the G heads that share a key/value head one after the other; k, v: [N, S, E].
    Written by hand so that the backward pass keeps the bf16 weights instead of f32 scores.
    """

    @staticmethod
    def forward(ctx, q: Tensor, k: Tensor, v: Tensor, rows: int) -> Tensor:
        n, group_rows, e = q.shape
        s = k.shape[1]
        scores = torch.bmm(q, k.transpose(1, 2)).view(n, group_rows // rows, rows, s).float() * e ** -0.5
        future = torch.arange(s)[None, :] > torch.arange(s - rows, s)[:, None]
        weights = scores.masked_fill(future, float("-inf")).softmax(-1).to(q.dtype).view(n, group_rows, s)
        ctx.save_for_backward(q, k, v, weights)
        return torch.bmm(weights, v)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, weights = ctx.saved_tensors
        d_weights, wide = torch.bmm(grad, v.transpose(1, 2)).float(), weights.float()
        inner = (wide * d_weights).sum(-1, keepdim=True)
        d_scores = (wide * (d_weights - inner) * q.shape[-1] ** -0.5).to(q.dtype)
        return torch.bmm(d_scores, k), torch.bmm(d_scores.transpose(1, 2), q), torch.bmm(weights.transpose(1, 2), grad), None


def attention(q: Tensor, k: Tensor, v: Tensor, blocks: int = 2) -> Tensor:
    """Causal attention. q: [B, H, T, E]; k, v: [B, K, T, E]; query head i reads key/value head i // (H / K).

    On a CPU the fused kernel's backward pass is slow (forward and backward 82 ms a layer at B 16, T 512, H 6, against 65
    for the plain formula in two blocks, and less with BlockAttention), so the product is written out, in blocks of
    queries that see only the keys up to their own end.
    """
    (b, h, t, e), heads = q.shape, k.shape[1]
    group = h // heads
    if q.is_cuda:
        k, v = (y.repeat_interleave(group, dim=1) for y in (k, v))
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    out, edges = [], [t * i // blocks for i in range(blocks + 1)]
    for start, end in zip(edges, edges[1:]):
        rows = end - start
        queries = q[:, :, start:end].reshape(b * heads, group * rows, e)
        keys, values = (y[:, :, :end].reshape(b * heads, end, e) for y in (k, v))
        out.append(BlockAttention.apply(queries, keys, values, rows).view(b, h, rows, e))
    return torch.cat(out, dim=2)


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
        mixed = attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        x = x + self.dropped(linear(mixed.transpose(1, 2).reshape(b, t, c.d_model), self.o))
        h = rms_norm(x, self.ffn_norm, c.eps)
        return x + self.dropped(linear(F.silu(linear(h, self.gate)) * linear(h, self.up), self.down))

    def dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.c.dropout, self.training) if self.c.dropout else x


class Llama(nn.Module):
    def __init__(self, c: Config, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.c, self.dtype = c, dtype
        self.embedding = matrix(c.vocab, c.d_model, 0.02)
        if not c.tied:
            self.output = matrix(c.vocab, c.d_model, 0.02)
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
        return linear(rms_norm(x, self.norm, self.c.eps), self.embedding if self.c.tied else self.output)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats; ids, targets: [B, T]."""
        logits = self(ids).float()
        return F.cross_entropy(logits.view(-1, self.c.vocab), targets.reshape(-1))
