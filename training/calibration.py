"""Is a probability of 30 % right 30 % of the time? Reliability tables over the tokens of held-out text.

Two questions, 15 bins each:

- `top1`: of the likeliest token at every position, with its probability as the confidence. Bins hold equally many
  positions. Error: the mean over positions of |mean confidence - share that was right| of their bin.
- `all`: of every token of the vocabulary at every position. Nearly all those probabilities are close to nothing, so
  bins hold equal shares of probability mass instead: each expects the same number of hits. Error: the sum over bins of
  |hits expected - hits seen|, divided by the positions.

Sampling noise alone makes either error positive; `noise` is what a perfectly calibrated model would be expected to show on
as many positions.
"""
from __future__ import annotations

import numpy as np

BINS = 15
# `all` is gathered in fine bins of log-odds, which are merged at the end: 320 million probabilities do not fit in memory.
FINE_FROM, FINE_TO, FINE_STEP = -30.0, 17.0, 0.005


class Reliability:
    def __init__(self) -> None:
        self.confidence: list[np.ndarray] = []
        self.right: list[np.ndarray] = []
        n = round((FINE_TO - FINE_FROM) / FINE_STEP)
        self.pairs, self.mass, self.variance, self.hits = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)

    def add(self, p: np.ndarray, targets: np.ndarray) -> None:
        """p: [n, V] probabilities, targets: [n] what came."""
        rows = np.arange(len(p))
        top = p.argmax(-1)
        self.confidence.append(p[rows, top].astype(np.float64))
        self.right.append(top == targets)
        n = len(self.pairs)
        tiny = np.float32(1e-30)
        log_odds = np.log(np.maximum(p, tiny)) - np.log1p(-np.minimum(p, np.float32(1 - 6e-8)))
        fine = np.clip(((log_odds - FINE_FROM) / FINE_STEP).astype(np.int32), 0, n - 1)
        flat, weights = fine.ravel(), p.ravel().astype(np.float64)
        self.pairs += np.bincount(flat, minlength=n)
        self.mass += np.bincount(flat, weights, minlength=n)
        self.variance += np.bincount(flat, weights * (1 - weights), minlength=n)
        self.hits += np.bincount(fine[rows, targets], minlength=n)

    def top1(self) -> dict:
        confidence, right = np.concatenate(self.confidence), np.concatenate(self.right)
        order = np.argsort(confidence, kind="stable")
        bins = [(confidence[i], right[i]) for i in np.array_split(order, BINS)]
        return summary(np.array([len(c) for c, _ in bins]), np.array([c.sum() for c, _ in bins]),
                       np.array([r.sum() for _, r in bins]), np.array([(c * (1 - c)).sum() for c, _ in bins]), len(confidence))

    def all(self) -> dict:
        positions = self.mass.sum()
        # Fine bin i goes where the middle of its mass lies.
        middle = (np.cumsum(self.mass) - self.mass / 2) / positions
        group = np.minimum((middle * BINS).astype(int), BINS - 1)
        sums = [np.bincount(group, x, minlength=BINS) for x in (self.pairs, self.mass, self.hits, self.variance)]
        return summary(*sums, round(positions))


def summary(count: np.ndarray, expected: np.ndarray, seen: np.ndarray, variance: np.ndarray, positions: int) -> dict:
    """count: probabilities in each bin; expected, seen: hits; variance: of the hits, if every probability were true."""
    return {
        "positions": positions,
        "error": round(float(np.abs(expected - seen).sum() / positions), 6),
        "noise": round(float((np.sqrt(2 / np.pi) * np.sqrt(variance)).sum() / positions), 6),
        "expected": round(float(expected.sum() / positions), 6),
        "seen": round(float(seen.sum() / positions), 6),
        "bins": [{"count": int(n), "mean_probability": float(f"{e / n:.6g}"), "frequency": float(f"{s / n:.6g}")}
                 for n, e, s in zip(count, expected, seen) if n],
    }


def check() -> None:
    """Draws from known distributions are calibrated, up to the noise; draws from sharper ones are not."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20000, 50)) * 2
    p = np.exp(logits)
    p /= p.sum(-1, keepdims=True)
    targets = (p.cumsum(-1) > rng.random((len(p), 1))).argmax(-1)
    blunt = np.sqrt(p) / np.sqrt(p).sum(-1, keepdims=True)
    for shown, low, high in ((p, 0, 2.5), (blunt, 5, 1e9)):
        tally = Reliability()
        for i in range(0, len(p), 5000):
            tally.add(shown[i:i + 5000].astype(np.float32), targets[i:i + 5000])
        for result in (tally.top1(), tally.all()):
            assert low * result["noise"] <= result["error"] <= high * result["noise"], result
            assert len(result["bins"]) == BINS
    masses = [b["count"] * b["mean_probability"] for b in tally.all()["bins"]]
    assert max(masses) / min(masses) < 1.1, masses
