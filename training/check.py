"""Checks that the parts of the trainer agree with each other; seconds, no data needed.

    python3 training/check.py
"""
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch

import gguf
from export_gguf import metadata, tensors
from mix import MIX
from model import Config, Llama, attention
from numpy_llama import NumpyLlama, log_sum_exp, score, tokenizer_of
from reference import TEXTS
from tokenizer import Tokenizer, learn_merges, pre_tokenizer


def small_tokenizer() -> Tokenizer:
    words = Counter(w for text in TEXTS for w in pre_tokenizer().findall(text))
    return Tokenizer(learn_merges(words, 63))


def check_tokenizer(tokenizer: Tokenizer) -> None:
    for text in TEXTS:
        ids = tokenizer.encode(text)
        assert tokenizer.decode_bytes(ids) == text.encode(), text
        assert "".join(pre_tokenizer().findall(text)) == text, text
    # Learned merges, applied in rank order, spell each other's results: no two tokens are the same string.
    assert len(set(tokenizer.vocab)) == len(tokenizer) == 320


def check_q8_0() -> None:
    rows = np.random.default_rng(0).normal(size=(8, 96)).astype(np.float32)
    rows[3, :32] = 0
    back = gguf.decode(gguf.quantise_q8_0(rows), gguf.Q8_0, rows.shape)
    step = np.abs(rows.reshape(-1, 32)).max(1, keepdims=True) / 127
    # Half a step, and up to 127 times the error of storing the step as f16 (2^-11 of it).
    assert (np.abs(rows - back).reshape(-1, 32) <= step * (0.5 + 127 * 2.0 ** -11) + 1e-12).all()


def check_attention() -> None:
    """The hand-written backward pass against autograd on the plain formula."""
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, h, 48, 16, dtype=torch.float64, requires_grad=True) for h in (6, 2, 2))
    wide_k, wide_v = (y.repeat_interleave(3, dim=1) for y in (k, v))
    scores = q @ wide_k.transpose(-1, -2) / 4 + torch.full((48, 48), float("-inf"), dtype=torch.float64).triu(1)
    plain, ours = scores.softmax(-1) @ wide_v, attention(q, k, v)
    upstream = torch.randn_like(plain)
    for a, b in zip(torch.autograd.grad(plain, (q, k, v), upstream), torch.autograd.grad(ours, (q, k, v), upstream)):
        # BlockAttention takes its softmax in f32 whatever the inputs.
        assert torch.allclose(a, b, atol=1e-5), (a - b).abs().max()
    assert torch.allclose(plain, ours, atol=1e-5)


def check_forward(tokenizer: Tokenizer) -> None:
    """model.py == numpy_llama.py through the exporter (row permutation and all), and the scoring rule's bookkeeping."""
    torch.manual_seed(0)
    c = Config(vocab=len(tokenizer), context=32, layers=2, d_model=64, heads=4, kv_heads=2, d_ff=96)
    model = Llama(c)
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "check.gguf"
        gguf.write(path, metadata(c, tokenizer, False, {"tokens": 0}), tensors(model.state_dict(), c, gguf.F32))
        other = NumpyLlama(path)
    assert tokenizer_of(other.metadata).vocab == tokenizer.vocab
    ids = np.random.default_rng(0).integers(1, len(tokenizer), 100)
    with torch.no_grad():
        ours = model(torch.from_numpy(ids[None, :32]))[0].numpy()
    theirs = other.logits(ids[:32])
    assert np.abs(ours - theirs).max() < 1e-4, np.abs(ours - theirs).max()
    nll, stream = score(other, list(ids)), np.array([0, *ids])
    for position in (1, 31, 32, 47, 48, 63, 64, 100):  # the window is [w * 16, w * 16 + 32) for the smallest w that reaches
        start = 0 if position < 32 else (position - 32) // 16 * 16 + 16
        last = other.logits(stream[start:position])[-1]
        assert abs(nll[position - 1] - (log_sum_exp(last) - last[stream[position]])) < 1e-9, position


def check_resume() -> None:
    """Four steps and four more after a restart end at the weights of eight in one go, bit for bit, dropout and all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(0)
        for corpus_file in MIX:
            for part in ("train", "val"):
                rng.integers(0, 64, 600).astype(np.uint16).tofile(folder / f"{corpus_file}.{part}.bin")
        sizes = {part: {"tokens": 600, "bytes": 2400} for part in ("train", "val")}
        (folder / "sizes.json").write_text(json.dumps({corpus_file: sizes for corpus_file in MIX}))

        def run(out: str, steps: int, *more: object) -> dict[str, torch.Tensor]:
            shape = "--vocab 64 --layers 2 --d-model 64 --heads 2 --kv-heads 1 --d-ff 96 --context 16 --batch 4 --dropout 0.1 --warmup 3"
            words = ["--bins", folder, "--out", folder / out, "--steps", steps, "--decay-at-step", 8, "--eager", *shape.split(), *more]
            subprocess.run([sys.executable, str(Path(__file__).with_name("train.py")), *map(str, words)], check=True, stdout=subprocess.PIPE)
            return torch.load(folder / out / "last.pt", map_location="cpu")["model"]

        whole = run("whole", 8)
        run("halves", 4)
        halves = run("halves", 8, "--resume", folder / "halves" / "last.pt")
        assert all(torch.equal(whole[key], halves[key]) for key in whole)


if __name__ == "__main__":
    trained = small_tokenizer()
    check_tokenizer(trained)
    check_q8_0()
    check_attention()
    check_forward(trained)
    check_resume()
    print("all agree")
