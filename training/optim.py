"""Muon for the matrices inside the blocks, AdamW for the embedding and the norms.

Muon: momentum, then the update is replaced by the nearest (semi-)orthogonal matrix, found with five Newton-Schulz steps
(Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the coefficients are from there).
"""
from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor, nn


def orthogonalise(g: Tensor, steps: int = 5) -> Tensor:
    """[n, rows, columns] with rows <= columns -> the same shape, singular values pulled to about 1."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = torch.bmm(x, x.transpose(-2, -1))
        x = a * x + torch.bmm(b * s + c * torch.bmm(s, s), x)
    return x


class Muon(torch.optim.Optimizer):
    """Matrices of one shape are stacked, so that a step is a handful of batched products."""

    def __init__(self, params: list[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0,
                 dtype: torch.dtype = torch.float32):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.dtype = dtype

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
            for p in group["params"]:
                by_shape[min(p.shape), max(p.shape)].append(p)
            for params in by_shape.values():
                self._step(params, group["lr"], group["momentum"], group["weight_decay"])

    def _step(self, params: list[nn.Parameter], lr: float, momentum: float, weight_decay: float) -> None:
        updates = []
        for p in params:
            state = self.state[p]
            if not state:
                state["momentum"] = torch.zeros_like(p)
            buffer = state["momentum"].lerp_(p.grad, 1 - momentum)
            update = p.grad.lerp(buffer, momentum)  # Nesterov
            updates.append((update.T if p.shape[0] > p.shape[1] else update).to(self.dtype))
        for p, update in zip(params, orthogonalise(torch.stack(updates))):
            update = update.T if p.shape[0] > p.shape[1] else update
            # An orthogonal matrix has a smaller entry the longer its long side; this keeps the gain per output alike.
            scale = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
            p.mul_(1 - lr * weight_decay).add_(update.to(p.dtype), alpha=-lr * scale)


def make_optimizers(model: nn.Module, muon_lr: float, adam_lr: float, dtype: torch.dtype) -> list[torch.optim.Optimizer]:
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and name.startswith("blocks.")]
    others = [p for name, p in model.named_parameters() if not (p.ndim == 2 and name.startswith("blocks."))]
    optimizers = [Muon(matrices, lr=muon_lr, weight_decay=0.05, dtype=dtype),
                  torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.95), eps=1e-10, weight_decay=0.0)]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers
