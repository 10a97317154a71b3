"""Trains the default model; can be stopped and resumed at any time.

    python3 train.py --bins build/training/bins --out build/training/run --minutes 95 --decay-at 70
    python3 train.py ... --resume build/training/run/last.pt          # goes on where the last one stopped

The learning rate is constant after a short warm-up, then falls linearly to zero between --decay-at and --minutes, both in
minutes of training time counted over all resumed runs. The checkpoint before the fall is kept as predecay.pt: to train
on, resume from that one with larger --minutes and --decay-at. --context and --batch may change from run to run.

A checkpoint holds weights, optimiser state, the place in the data and the clock, so a resumed run does what an
uninterrupted one would have done, except that the schedule follows the wall clock. Where the checkpoint is gone, --init starts a
new leg from the shipped file: fresh optimiser state, a warm-up, another --seed for another shuffle.
"""
from __future__ import annotations

import argparse
import csv
import math
import os
import signal
import time
from dataclasses import asdict
from pathlib import Path

import torch

from data import Windows, validation_windows
from export_gguf import load
from mix import MIXES
from model import Config, Llama
from optim import make_optimizers


def compute_path(device: str) -> tuple[torch.dtype, bool, str]:
    """(type of activations, whether to compile, words for the log)."""
    if device == "cuda":
        return torch.bfloat16, True, "CUDA, bf16, fused attention, torch.compile"
    if int(torch.__version__.split(".")[0]) < 2:
        return torch.float32, False, "CPU, f32, no compilation (PyTorch 1.x)"
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if "amx_bf16" in flags or "avx512_bf16" in flags:
        return torch.bfloat16, True, "CPU, bf16 (AMX or AVX-512), torch.compile"
    return torch.float32, True, "CPU, f32, torch.compile"


def rate(minutes: float, step: int, args: argparse.Namespace) -> float:
    """Share of the peak learning rate."""
    if args.steps is None:
        fall = (args.minutes - minutes) / max(args.minutes - args.decay_at, 1e-9)
    elif args.cosine:
        fall = 0.5 * (1 + math.cos(math.pi * step / args.steps))
    else:
        fall = (args.steps - step) / max(args.steps - args.decay_at_step, 1)
    return min(1.0, (step + 1) / args.warmup) * min(1.0, max(0.0, fall))


def save(path: Path, state: dict) -> None:
    """Whole or not at all."""
    torch.save(state, path.with_suffix(".tmp"))
    os.replace(path.with_suffix(".tmp"), path)


@torch.no_grad()
def validation_bpb(model: Llama, windows: torch.Tensor, bytes_per_token: float) -> float:
    model.eval()
    losses = [model.loss(w[:, :-1], w[:, 1:]).item() * len(w) for w in windows.split(8)]
    model.train()
    return sum(losses) / len(windows) / math.log(2) / bytes_per_token


def train(args: argparse.Namespace) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype, compiled, words = compute_path(device)
    if args.eager:
        compiled, words = False, words.replace("torch.compile", "not compiled")
    print(f"PyTorch {torch.__version__}: {words}, {torch.get_num_threads()} threads", flush=True)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    before = torch.load(args.resume, map_location="cpu") if args.resume else None
    config = Config(**before["config"]) if before else Config(
        vocab=args.vocab, layers=args.layers, d_model=args.d_model, heads=args.heads, kv_heads=args.kv_heads,
        d_ff=args.d_ff, tied=not args.untied, dropout=args.dropout)
    if args.init:
        config, weights, _ = load(args.init)
    model = Llama(config, dtype).to(device)
    if args.init:
        model.load_state_dict(weights)
    optimizers = make_optimizers(model, args.muon_lr, args.adam_lr, dtype)
    at = {"step": 0, "tokens": args.tokens_before, "minutes": 0.0, "context": args.context, "batch": args.batch, "window_batch": 0}
    if before:
        model.load_state_dict(before["model"])
        for optimizer, state in zip(optimizers, before["optimizers"]):
            optimizer.load_state_dict(state)
            for group in optimizer.param_groups:
                group["peak_lr"] = args.muon_lr if optimizer is optimizers[0] else args.adam_lr
        torch.set_rng_state(before["rng"])
        at = before["at"]
        if (at["context"], at["batch"]) != (args.context, args.batch):
            at.update(context=args.context, batch=args.batch, window_batch=0)
    # The shape is part of the seed: another context starts another shuffle instead of repeating the first windows.
    data = Windows(args.bins, args.context, args.batch, seed=args.seed * 1000003 + args.context * 1009 + args.batch,
                   mix=MIXES[args.mix])
    windows, bytes_per_token = validation_windows(args.bins, config.context)
    windows = torch.from_numpy(windows).to(device)
    loss_of = torch.compile(model.loss) if compiled else model.loss
    print(f"{sum(p.numel() for p in model.parameters())} parameters; an epoch is {data.per_epoch} steps of "
          f"{args.batch * args.context} tokens; {len(windows)} validation windows", flush=True)

    def state() -> dict:
        return {"config": asdict(config), "at": at, "rng": torch.get_rng_state(), "model": model.state_dict(),
                "optimizers": [o.state_dict() for o in optimizers], "mix": data.mix}

    log = csv.writer((args.out / "log.csv").open("a", newline="", buffering=1))
    if not before:
        log.writerow("step,tokens,loss,val_bpb,lr,tokens_per_s,minutes".split(","))
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda n, _: stop.append(n))
    begun, minutes_before = time.monotonic(), at["minutes"]
    saved = logged = begun
    tokens_logged, losses = at["tokens"], []
    predecay = at["minutes"] >= args.decay_at or args.steps is not None
    while (at["minutes"] < args.minutes if args.steps is None else at["step"] < args.steps) and not stop:
        if not predecay and at["minutes"] >= args.decay_at:
            save(args.out / "predecay.pt", state())
            predecay = True
        share = rate(at["minutes"], at["step"], args)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * share
        rows = torch.from_numpy(data.get(at["window_batch"])).to(device)
        loss = loss_of(rows[:, :-1].contiguous(), rows[:, 1:].contiguous())
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        now = time.monotonic()
        at.update(step=at["step"] + 1, tokens=at["tokens"] + rows[:, 1:].numel(), window_batch=at["window_batch"] + 1,
                  minutes=minutes_before + (now - begun) / 60)
        if at["step"] % args.log_every == 0:
            measured = at["step"] % args.val_every == 0
            bpb = f"{validation_bpb(model, windows, bytes_per_token):.4f}" if measured else ""
            speed = (at["tokens"] - tokens_logged) / (now - logged)
            log.writerow([at["step"], at["tokens"], f"{sum(losses) / len(losses):.4f}", bpb, f"{share:.4f}",
                          f"{speed:.0f}", f"{at['minutes']:.2f}"])
            logged, tokens_logged, losses = time.monotonic(), at["tokens"], []
        if now - saved > args.save_every * 60:
            save(args.out / "last.pt", state())
            saved = now
    save(args.out / "last.pt", state())
    print(f"stopped at step {at['step']}, {at['tokens']} tokens, {at['minutes']:.1f} minutes, "
          f"validation {validation_bpb(model, windows, bytes_per_token):.4f} bits per byte", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bins", type=Path, default=Path("build/training/bins"))
    parser.add_argument("--out", type=Path, default=Path("build/training/run"))
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--init", type=Path, help="start a new leg from the weights of a GGUF that export_gguf.py wrote")
    parser.add_argument("--tokens-before", type=int, default=0, help="training tokens those weights had seen")
    parser.add_argument("--minutes", type=float, default=95)
    parser.add_argument("--decay-at", type=float, default=70)
    parser.add_argument("--steps", type=int, help="steps instead of --minutes: short runs that can be compared")
    parser.add_argument("--decay-at-step", type=int, default=0, help="and instead of --decay-at")
    parser.add_argument("--cosine", action="store_true", help="with --steps: half a cosine instead of flat, then linear")
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--batch", type=int, default=16, help="windows per step")
    for name in ("vocab", "layers", "d_model", "heads", "kv_heads", "d_ff"):
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=getattr(Config, name))
    parser.add_argument("--untied", action="store_true", help="a head of its own")
    parser.add_argument("--dropout", type=float, default=0)
    parser.add_argument("--mix", choices=MIXES, default="shipped")
    parser.add_argument("--muon-lr", type=float, default=0.012)
    parser.add_argument("--adam-lr", type=float, default=0.002)
    parser.add_argument("--warmup", type=int, default=100, help="steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--eager", action="store_true", help="never compile")
    parser.add_argument("--log-every", type=int, default=10)
    parser.add_argument("--val-every", type=int, default=200)
    parser.add_argument("--save-every", type=float, default=4, help="minutes")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
