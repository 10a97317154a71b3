"""An interpolated, modified Kneser-Ney n-gram model (Chen & Goodman 1998), the classical yardstick for the trained one.

    python3 training/ngram.py --bins build/training/bins        # builds it, checks it, prints its size

An n-gram is one int64: ids as digits in base V, the last token lowest, so that a sorted array holds all continuations of
a context side by side and its context is key // V. Five tokens of a vocabulary of 4,096 take 60 bits.

Order 5 counts occurrences; an order below counts the different tokens seen before the n-gram (its "continuation count"),
which is what makes "Francisco" rare although "San Francisco" is not. With counts c of one order,

    p(w | h) = max(c(h w) - D(c(h w)), 0) / c(h) + gamma(h) p(w | h without its first token),    c(h) = sum over w of c(h w)

D(c) is D1, D2 or D3 for counts of 1, 2 and 3 or more, estimated from how many n-grams occur once, twice, three and four
times; gamma(h) is what the discounts left over, so that it sums to 1; under the unigrams lies 1 / V. A context never
seen passes everything on to the shorter one. Tokens of different documents do follow each other, with the
<|endoftext|> between them, as in the windows that train the model.
"""
from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mix import MIX


@dataclass(frozen=True)
class Order:
    """One table: n-grams and the contexts they continue, both sorted."""
    keys: np.ndarray  # [n] int64
    counts: np.ndarray  # [n] int32
    contexts: np.ndarray  # [m] int64, the different keys // V
    totals: np.ndarray  # [m] float64, c(h)
    gammas: np.ndarray  # [m] float64
    discounts: np.ndarray  # [4], by min(count, 3); discounts[0] = 0

    def terms(self, keys: np.ndarray, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each n-gram asked for: (max(c - D, 0) / c(h), gamma(h)); (0, 1) where the context was never seen."""
        counts = np.where(found(self.keys, keys), self.counts[place(self.keys, keys)], 0)
        seen, at = found(self.contexts, contexts), place(self.contexts, contexts)
        discounted = np.maximum(counts - self.discounts[np.minimum(counts, 3)], 0)
        return np.where(seen, discounted / self.totals[at], 0.0), np.where(seen, self.gammas[at], 1.0)


def place(table: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return np.minimum(np.searchsorted(table, keys), len(table) - 1)


def found(table: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return table[place(table, keys)] == keys


def counted(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the different keys, how often each), sorted; sorts in place."""
    keys.sort()
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    return keys[starts], np.diff(starts, append=len(keys)).astype(np.int32)


def estimated_discounts(counts: np.ndarray) -> np.ndarray:
    """Chen & Goodman's, from the counts of counts; 0.75 each where there are too few to estimate from."""
    n1, n2, n3, n4 = (float((counts == c).sum()) for c in (1, 2, 3, 4))
    if min(n1, n2, n3, n4) == 0:
        return np.array([0.0, 0.75, 0.75, 0.75])
    y = n1 / (n1 + 2 * n2)
    d = np.array([0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    return np.clip(d, 0.0, [0.0, 1.0, 2.0, 3.0])  # few counts can push an estimate out of its range


def order_of(keys: np.ndarray, counts: np.ndarray, vocab: int, discounts: np.ndarray | None) -> Order:
    if discounts is None:
        discounts = estimated_discounts(counts)
    owners = keys // vocab
    starts = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1])))
    totals = np.add.reduceat(counts, starts, dtype=np.float64)
    gammas = np.add.reduceat(np.minimum(counts, discounts[np.minimum(counts, 3)]), starts) / totals
    return Order(keys, counts, owners[starts], totals, gammas, discounts)


class NGram:
    def __init__(self, stream: np.ndarray, vocab: int, order: int = 5, discounts: np.ndarray | None = None):
        """stream: [T] ids, T >= order. `discounts` for all orders instead of estimated ones."""
        if float(vocab) ** order > 2.0**63:
            raise ValueError(f"{order} tokens of a vocabulary of {vocab} do not fit into 63 bits: take a lower order")
        self.vocab, self.order = vocab, order
        keys = np.zeros(len(stream) - order + 1, dtype=np.int64)
        for i in range(order):
            keys *= vocab
            keys += stream[i:i + len(keys)]
        self.orders: list[Order] = []  # [i] holds the (i + 1)-grams
        for n in range(order, 0, -1):
            # The different n-grams of one order less their first token: one for each different token before it.
            keys, counts = counted(keys if n == order else self.orders[0].keys % vocab**n)
            self.orders.insert(0, order_of(keys, counts, vocab, discounts))

    def probabilities(self, stream: np.ndarray, first: int = 1) -> np.ndarray:
        """[T - first]: p of each token from position `first` on, given those before it in `stream` (at most order - 1)."""
        stream = np.asarray(stream, dtype=np.int64)
        at = np.arange(first, len(stream))
        p = np.full(len(at), 1.0 / self.vocab)
        contexts, scale = np.zeros(len(at), dtype=np.int64), 1  # ids before the token as one key
        for n, table in enumerate(self.orders, start=1):
            if n > 1:
                enough = at >= n - 1
                contexts[enough] += stream[at[enough] - (n - 1)] * scale
                scale *= self.vocab
            else:
                enough = np.ones(len(at), dtype=bool)
            share, gamma = table.terms(contexts * self.vocab + stream[at], contexts)
            p = np.where(enough, share + gamma * p, p)
        return p

    def distribution(self, context: list[int]) -> np.ndarray:
        """[V], given the last order - 1 tokens of `context`."""
        context = context[len(context) - min(len(context), self.order - 1):]
        rows = [self.probabilities(np.array([*context, w]), first=len(context))[0] for w in range(self.vocab)]
        return np.array(rows)


def training_stream(bins: Path) -> np.ndarray:
    """Every file of the corpus once, train split, in the mix's order."""
    return np.concatenate([np.fromfile(bins / f"{name}.train.bin", dtype=np.uint16) for name in MIX])


def check() -> None:
    """By hand: a b a b c with D = 1/2, bigrams. Also called by check.py."""
    a, b, c = 0, 1, 2
    model = NGram(np.array([a, b, a, b, c]), vocab=3, order=2, discounts=np.array([0, 0.5, 0.5, 0.5]))
    # Bigrams: ab 2, ba 1, bc 1. Continuation counts: a 1 (after b), b 1 (after a), c 1 (after b), of 3. Unigrams:
    # (1 - 1/2) / 3 + (3 * 1/2 / 3) / 3 = 1/3 each. After b: total 2, gamma = (1/2 + 1/2) / 2 = 1/2.
    assert np.allclose(model.distribution([b]), [0.5 / 2 + 0.5 / 3, 0.5 / 3, 0.5 / 2 + 0.5 / 3])
    # After a: total 2, gamma = 1/2 / 2 = 1/4; b gets (2 - 1/2) / 2 + 1/4 / 3.
    assert np.allclose(model.distribution([a]), [0.25 / 3, 0.75 + 0.25 / 3, 0.25 / 3])
    assert np.allclose(model.distribution([c]), 1 / 3)  # nothing was seen to follow c: the unigrams
    # Mutation: counts instead of continuation counts below the top -> b's 2 of 5 shows up after c -> red.
    stream = np.random.default_rng(0).zipf(1.3, 5000) % 50
    check_sums(NGram(stream, vocab=50), [[], [1], [2, 1], [1, 1, 1, 1], [49, 48, 47, 46], [7, 1, 2, 1, 3]])
    chain = NGram(stream, vocab=50)
    one_by_one = [chain.distribution(list(stream[:i]))[stream[i]] for i in range(1, 30)]
    assert np.allclose(chain.probabilities(stream[:30]), one_by_one)


def check_sums(model: NGram, contexts: list[list[int]]) -> None:
    for context in contexts:
        p = model.distribution(context)
        assert p.min() > 0 and abs(p.sum() - 1) < 1e-9, (context, p.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bins", type=Path, default=Path("build/training/bins"))
    parser.add_argument("--vocab", type=int, default=4096)
    parser.add_argument("--order", type=int, default=5)
    args = parser.parse_args()
    check()
    begun, stream = time.monotonic(), training_stream(args.bins)
    model = NGram(stream, args.vocab, args.order)
    for n, table in enumerate(model.orders, start=1):
        print(f"order {n}: {len(table.keys)} n-grams, {len(table.contexts)} contexts, D = {np.round(table.discounts[1:], 3)}")
    print(f"{len(stream)} tokens, {time.monotonic() - begun:.0f} s")
    starts = np.linspace(0, len(stream) - 10, 5).astype(int)
    check_sums(model, [list(map(int, stream[i:i + 4])) for i in starts])
    print("sums to 1 after five contexts of the corpus")


if __name__ == "__main__":
    main()
