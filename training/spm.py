"""SentencePiece-style BPE from a GGUF vocabulary (tokenizer.ggml.model = "llama"), to score other models' files with.

The two neighbours whose joined string has the best score are merged first, leftmost on a tie; what is left and not in
the vocabulary falls back to byte tokens, or to <unk> where the vocabulary has none.
"""
from __future__ import annotations

import heapq
from typing import Any

SPACE = "\u2581"


class SpmTokenizer:
    def __init__(self, metadata: dict[str, Any]):
        tokens = metadata["tokenizer.ggml.tokens"]
        self.vocab = tokens
        self.scores = metadata["tokenizer.ggml.scores"]
        self.ids = {t: i for i, t in reversed(list(enumerate(tokens)))}
        self.prefix = metadata.get("tokenizer.ggml.add_space_prefix", True)
        self.unknown = metadata.get("tokenizer.ggml.unknown_token_id", 0)

    def encode(self, text: str) -> list[int]:
        if not text:
            return []
        symbols = list((SPACE if self.prefix else "") + text.replace(" ", SPACE))
        after = list(range(1, len(symbols) + 1))
        before = list(range(-1, len(symbols) - 1))
        heap: list[tuple[float, int, int, str]] = []

        def offer(left: int) -> None:
            right = after[left] if left >= 0 else len(symbols)
            if left >= 0 and right < len(symbols):
                joined = symbols[left] + symbols[right]
                if joined in self.ids:
                    heapq.heappush(heap, (-self.scores[self.ids[joined]], left, right, joined))

        for i in range(len(symbols)):
            offer(i)
        while heap:
            _, left, right, joined = heapq.heappop(heap)
            if after[left] != right or not symbols[left] or symbols[left] + symbols[right] != joined:
                continue  # one of the two has been merged since
            symbols[left], symbols[right] = joined, ""
            after[left] = after[right]
            if after[left] < len(symbols):
                before[after[left]] = left
            offer(before[left])
            offer(left)
        return [i for s in symbols if s for i in self._ids_of(s)]

    def _ids_of(self, symbol: str) -> list[int]:
        if symbol in self.ids:
            return [self.ids[symbol]]
        fallback = [self.ids.get(f"<0x{b:02X}>") for b in symbol.encode("utf-8")]
        return [self.unknown] if None in fallback else fallback
