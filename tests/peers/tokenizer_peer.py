#!/usr/bin/env python3
"""Tokens of the same texts, here and in llama.cpp: every vocabulary at hand, and every name of a pre-tokeniser that logitpeek knows.

    tokenizer_peer.py LOGITPEEK VOCABULARY.gguf ... -- BPE.gguf TEXT ...

Each vocabulary as it is; then the BPE one under every name in turn. Its merges are not those of the models that go by these names, but a text cut at
other places gives other tokens all the same. The texts, and random ones of letters, digits, signs, white space and characters of many scripts."""
from __future__ import annotations

import ctypes
import json
import random
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from llama_cpp_model import C

KEY = b"tokenizer.ggml.pre"
# No combining marks and no ideographic space: there llama.cpp's engine cuts what Tekken, GPT-4o and DeepSeek name otherwise than Hugging Face's
# tokenizers do, whose cuts src/tokenizer/pretokens_test.cc holds us to.
PARTS = list("aeinorstABCXYZ0123456789") + [" ", " ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "don't", "_", "-", "--", "(", ")", "==", "/", "...", "!?", '"', "<", "|>", "#", "\u2026",
                                            "é", "Ü", "ß", "ǅ", "ʰ", "ж", "Я", "你", "好", "。", "、", "の", "ア", "한", "ไท", "\u00a0", "½", "²", "٣", "🙂", "👍🏽", "€"]


def random_text(seed: int, n: int) -> str:
    rng = random.Random(seed)
    return "".join(rng.choice(PARTS) for _ in range(n))


def theirs(path: str, text: bytes) -> list[int] | None:
    params = C.llama_model_default_params()
    params.vocab_only = True
    model = C.llama_model_load_from_file(path.encode(), params)
    if not model:
        return None
    ids = (ctypes.c_int32 * len(text))()
    n = C.llama_tokenize(C.llama_model_get_vocab(model), text, len(text), ids, len(text), True, False)
    C.llama_model_free(model)
    return list(ids[:n])


def ours(program: str, path: str, text: bytes) -> list[int]:
    answer = subprocess.run([program, "tokenize", "-", "--json", "-m", path], input=text, check=True, stdout=subprocess.PIPE)
    return json.loads(answer.stdout)["ids"]


def with_name(data: bytes, name: str) -> bytes:
    """A file without tensors, so that no offset moves."""
    at = data.index(KEY) + len(KEY) + 4
    length, = struct.unpack_from("<Q", data, at)
    return data[:at] + struct.pack("<Q", len(name)) + name.encode() + data[at + 8 + length:]


def main() -> None:
    program, rest = sys.argv[1], sys.argv[2:]
    vocabularies, (bpe, *files) = rest[:rest.index("--")], rest[rest.index("--") + 1:]
    text = ("\n".join(Path(file).read_text()[:6000] for file in files) + random_text(1, 8000)).encode()
    wrong = n_names = 0
    for path in vocabularies:
        if theirs(path, text) != ours(program, path, text):
            wrong += 1
            print(f"  WRONG: {Path(path).name}: other tokens")
    data = Path(bpe).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "named.gguf")
        Path(file).write_bytes(with_name(data, "no such name"))
        refused = subprocess.run([program, "tokenize", "x", "-m", file], stderr=subprocess.PIPE, text=True).stderr
        for name in re.search("one of (.*)", refused)[1].split(", "):
            n_names += 1
            Path(file).write_bytes(with_name(data, name))
            if theirs(file, text) != ours(program, file, text):
                wrong += 1
                print(f"  WRONG: {name}: other tokens")
    print(f"tokens of {len(text)} bytes in llama.cpp: {len(vocabularies)} vocabularies and {n_names} names of pre-tokenisers, {wrong} differ")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
