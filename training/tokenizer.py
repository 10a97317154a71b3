"""Byte-level BPE: learns the vocabulary, encodes and decodes text.

The format is GPT-2's, so that GGUF readers know it as tokenizer.ggml.model = "gpt2", pre = "gpt-2": text is cut into
words by GPT-2's regular expression, each word's UTF-8 bytes become printable characters, and merges are applied inside
the word in the order they were learned.

Ids: 0 is <|endoftext|> (both BOS and EOS), 1..256 the single bytes, then one token per merge.

    python3 tokenizer.py --corpus ../shared/data/corpus --out build/training/tokenizer.json
"""
from __future__ import annotations

import argparse
import heapq
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

from mix import MIX

END_OF_TEXT = "<|endoftext|>"
WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # Unicode White_Space


def category_ranges(major: str) -> str:
    """Regex ranges of every code point whose general category starts with `major` ("L" or "N").

    Python's `re` has no \\p{L}; writing the ranges out avoids a dependency and leaves nothing to guess
    (`[^\\W\\d_]` would also take in letter-like numbers such as U+2167).
    """
    ranges, start = [], None
    for point in range(sys.maxunicode + 2):
        inside = point <= sys.maxunicode and unicodedata.category(chr(point))[0] == major
        if inside and start is None:
            start = point
        elif not inside and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{point - 1:08x}")
            start = None
    return "".join(ranges)


def pre_tokenizer() -> re.Pattern[str]:
    """GPT-2's: 's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"""
    letters, numbers, space = category_ranges("L"), category_ranges("N"), WHITE_SPACE
    return re.compile(
        f"'s|'t|'re|'ve|'m|'ll|'d| ?[{letters}]+| ?[{numbers}]+| ?[^{space}{letters}{numbers}]+"
        f"|[{space}]+(?![^{space}])|[{space}]+")


def byte_alphabet() -> list[str]:
    """GPT-2's byte -> printable character table, 256 entries."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    table, spare = [""] * 256, 256
    for byte in range(256):
        if byte in printable:
            table[byte] = chr(byte)
        else:
            table[byte] = chr(spare)
            spare += 1
    return table


def split_documents(text: str) -> list[str]:
    """Documents of a corpus file, in order, without surrounding blank lines."""
    return [d for d in (part.strip() for part in text.split(END_OF_TEXT)) if d]


class Tokenizer:
    """vocab: id -> string in the byte alphabet; merges: (left id, right id) in rank order."""

    def __init__(self, merges: list[tuple[int, int]]):
        alphabet = byte_alphabet()
        self.merges = merges
        self.vocab = [END_OF_TEXT, *alphabet]
        for left, right in merges:
            self.vocab.append(self.vocab[left] + self.vocab[right])
        self.rank = {pair: i for i, pair in enumerate(merges)}
        self.pattern = pre_tokenizer()
        self.to_byte = {c: b for b, c in enumerate(alphabet)}
        self.cache: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.vocab)

    @classmethod
    def load(cls, path: str | Path) -> "Tokenizer":
        return cls([tuple(p) for p in json.loads(Path(path).read_text())["merges"]])

    def save(self, path: str | Path) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps({"merges": self.merges}))

    def encode_word(self, word: str) -> list[int]:
        ids = [1 + b for b in word.encode("utf-8")]
        while len(ids) > 1:
            rank, at = min((self.rank.get(p, sys.maxsize), i) for i, p in enumerate(zip(ids, ids[1:])))
            if rank == sys.maxsize:
                break
            # Only the leftmost occurrence: the next round finds the others, in the same order.
            ids[at:at + 2] = [257 + rank]
        return ids

    def encode(self, text: str) -> list[int]:
        """Ids without BOS. `<|endoftext|>` in the text is plain text here: control tokens are not parsed."""
        ids: list[int] = []
        for word in self.pattern.findall(text):
            found = self.cache.get(word)
            if found is None:
                found = self.cache[word] = self.encode_word(word)
            ids += found
        return ids

    def decode_bytes(self, ids: list[int]) -> bytes:
        return bytes(self.to_byte[c] for i in ids if i != 0 for c in self.vocab[i])


def learn_merges(words: Counter[str], count: int) -> list[tuple[int, int]]:
    """`count` merges, most frequent pair first, ties to the lower ids. words: word -> (weighted) occurrences."""
    items = sorted(words.items())
    spelled = [[1 + b for b in word.encode("utf-8")] for word, _ in items]
    weight = [n for _, n in items]
    pairs: Counter[tuple[int, int]] = Counter()
    where: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for w, ids in enumerate(spelled):
        for pair in zip(ids, ids[1:]):
            pairs[pair] += weight[w]
            where[pair].add(w)
    heap = [(-n, pair) for pair, n in pairs.items()]
    heapq.heapify(heap)
    merges: list[tuple[int, int]] = []
    while heap and len(merges) < count:
        negative, pair = heapq.heappop(heap)
        if -negative != pairs[pair]:  # stale entry: counts only ever change through a push
            continue
        new = 257 + len(merges)
        merges.append(pair)
        changed = set()
        for w in where.pop(pair):
            ids = spelled[w]
            for p in zip(ids, ids[1:]):
                pairs[p] -= weight[w]
                changed.add(p)
            i, out = 0, []
            while i < len(ids):
                hit = i + 1 < len(ids) and (ids[i], ids[i + 1]) == pair
                out.append(new if hit else ids[i])
                i += 2 if hit else 1
            spelled[w] = out
            for p in zip(out, out[1:]):
                pairs[p] += weight[w]
                where[p].add(w)
                changed.add(p)
        for p in changed:
            if pairs[p] > 0:
                heapq.heappush(heap, (-pairs[p], p))
    return merges


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/data/corpus"))
    parser.add_argument("--out", type=Path, default=Path("build/training/tokenizer.json"))
    parser.add_argument("--vocab", type=int, default=4096)
    args = parser.parse_args()
    pattern, words = pre_tokenizer(), Counter()
    for name, weight in MIX.items():
        found = Counter(w for d in split_documents((args.corpus / f"{name}.txt").read_text()) for w in pattern.findall(d))
        for word, n in found.items():
            words[word] += n * weight
    # A pair seen once or twice teaches nothing; dropping rare words makes this a matter of seconds.
    words = Counter({w: n for w, n in words.items() if n >= 3})
    tokenizer = Tokenizer(learn_merges(words, args.vocab - 257))
    tokenizer.save(args.out)
    print(f"{len(tokenizer)} tokens, from {len(words)} distinct words, to {args.out}")


if __name__ == "__main__":
    main()
