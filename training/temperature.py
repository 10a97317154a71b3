"""One temperature for a finished model, fitted on validation text and folded into its last norm (Guo, Pleiss, Sun & Weinberger, "On
Calibration of Modern Neural Networks", ICML 2017).

    python3 temperature.py --checkpoint build/training/run/last.pt --bins build/training/bins

The head is linear after the last norm, so a norm divided by T gives logits divided by T. T is the one under which the validation
windows cost the fewest bits; documents of validation were never trained on, and nothing else is looked at. Prints T and the bits per
byte at 1 and at T; export_gguf.py --temperature T folds it in.
"""
from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch

from data import validation_windows
from model import Config, Llama


def bits_at(model: Llama, windows: torch.Tensor, bytes_per_token: float, norm: torch.Tensor, temperature: float) -> float:
    model.load_state_dict({"norm": norm / temperature}, strict=False)
    with torch.no_grad():
        losses = [model.loss(w[:, :-1], w[:, 1:]).item() * len(w) for w in windows.split(8)]
    return sum(losses) / len(windows) / math.log(2) / bytes_per_token


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--bins", type=Path, required=True)
    args = parser.parse_args()
    checkpoint = torch.load(args.checkpoint, map_location="cpu")
    config = Config(**checkpoint["config"])
    model = Llama(config, torch.float32)
    model.load_state_dict(checkpoint["model"])
    windows, bytes_per_token = validation_windows(args.bins, config.context)
    cost = lambda t: bits_at(model, torch.from_numpy(windows), bytes_per_token, checkpoint["model"]["norm"], t)
    # The cost is convex in 1 / T; thirds are good enough for three digits.
    low, high = 0.8, 1.4
    while high - low > 2e-3:
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if cost(a) < cost(b) else (a, high)
    best = (low + high) / 2
    print(f"{len(windows)} windows: T = {best:.3f}; bits per byte {cost(1.0):.4f} -> {cost(best):.4f}")


if __name__ == "__main__":
    main()
