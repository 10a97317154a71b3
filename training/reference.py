"""Reference values of the shipped model for the C++ tests, computed in float64 by numpy_llama.py over the dequantised GGUF.

    python3 reference.py models/logitpeek-tales-q8_0.gguf --excerpt ../shared/data/texts/fairy_tale.txt --out tests/fixtures

Writes default_model_reference.json (logits, greedy continuations, the score of an excerpt) and default_model_tokens.json
(texts and their ids).
"""
from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from numpy_llama import NumpyLlama, log_sum_exp, score, tokenizer_of

PROMPTS = (
    "",
    "Once upon a time",
    "The cat sat on the",
    "Lily and Ben are friends. They",
    "\"I don't know,\" said the fox, \"but we'll",
    "In 1837 the tailor of Odense had 3 sons, 12 geese and",
    "El niño dijo: «¿Dónde está mi café?» — \u201cWhere?\u201d 猫 🐱",
    "There was once a poor woodcutter who lived with his wife and two children at the edge of a great forest. One winter "
    "the snow lay so deep that he could not go out to his work, and there was no bread left in the house.\n\n"
    "\"What will become of us?\" said the woodcutter to his wife. \"How can we feed our children, when we have nothing "
    "more for ourselves?\"\n\n\"I will tell you what,\" answered the wife. \"Early to-morrow morning we will take the "
    "children out into the thickest part of the wood. There we will light a fire for them, and give each of them one "
    "piece of bread more, and then we will go to our work and leave them alone. They will not find the way home again, "
    "and we shall be rid of them.\"\n\nThe two children had not been able to sleep for hunger, and they had heard",
)
TEXTS = (
    "", " ", "  ", "   a", "a   ", "\n", "\n\n", "\n\n\n a", "\t", "\t\ta\tb", "a \n b", " \n \n ", "a\r\nb", "Hello, world!",
    "hello world", " hello", "don't I'll you've we're he'd it's I'm 'tis", "DON'T I'LL", "'s's''s", "they'rest",
    "0", "42", " 1234567890", "3.14159 and 1,000,000", "x2y3", "½ ² Ⅷ ٣", "naïve café", "cafe\u0301", "Straße ŒUVRE",
    "Привет, мир", "日本語のテキスト。", "안녕 하세요", "שלום עולם", "😀", " 😀😀 a", "👩‍👩‍👧 🏳️‍🌈", "a\u00a0b\u2003c\u3000d", "\u200b\ufeffz",
    "_snake_case __init__", "a+b==c; /* x */ #!?", "“Quoted,” she said—‘twice’…", "https://example.org/a?b=c&d=%20",
    "\u0000\u0001\u001c\u0085\u007f", "AAAAAAAAAAAAAAAA", "supercalifragilisticexpialidocious", "...", " ...!!!??? ",
    "for (int i = 0; i < n; ++i) {\n\treturn x[i];\n}\n", "The end.\n\nThe   end.  \n",
)


MIN_LEAD = 0.005  # logits; a float32 forward pass may well decide a narrower race the other way


def greedy(model: NumpyLlama, ids: list[int], count: int) -> tuple[list[int], float]:
    """(the next `count` ids, by largest logit, or those before the first race too close to call; the smallest lead)"""
    more, lead = [], np.inf
    for _ in range(count):
        last = model.logits([*ids, *more], first=len(ids) + len(more) - 1)[0]
        first, second = np.argsort(-last, kind="stable")[:2]
        if last[first] - last[second] < MIN_LEAD:
            break
        lead = min(lead, float(last[first] - last[second]))
        more.append(int(first))
    return more, lead


def prompt_case(model: NumpyLlama, tokenizer: Any, prompt: str) -> dict[str, Any]:
    ids = [model.bos, *tokenizer.encode(prompt)]
    last = model.logits(ids, first=len(ids) - 1)[0]
    total = float(log_sum_exp(last))
    top = np.argsort(-last, kind="stable")[:20]
    more, lead = greedy(model, ids, 32)
    return {
        "prompt": prompt,
        "ids_with_bos": ids,
        "top20": [{"id": int(i), "logit": round(float(last[i]), 9)} for i in top],
        "logsumexp": round(total, 9),
        "entropy_nats": round(float(total - (np.exp(last - total) * last).sum()), 9),
        "greedy_ids": more,
        "greedy_text": tokenizer.decode_bytes(more).decode("utf-8", errors="replace"),
        "greedy_smallest_lead": round(lead, 6),
    }


def excerpt_of(path: Path, n_bytes: int) -> str:
    """The beginning of the file, cut after the last whole paragraph."""
    text = path.read_bytes()[:n_bytes].decode("utf-8", errors="ignore")
    return text[:text.rindex("\n")]


def dump(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=True) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--excerpt", type=Path, default=Path("../shared/data/texts/fairy_tale.txt"))
    parser.add_argument("--excerpt-bytes", type=int, default=6000)
    parser.add_argument("--excerpt-source", default="beginning of data/texts/fairy_tale.txt, a tale in the public domain")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures"))
    args = parser.parse_args()
    model = NumpyLlama(args.model)
    tokenizer = tokenizer_of(model.metadata)
    digest = {"model": args.model.name, "sha256": hashlib.sha256(args.model.read_bytes()).hexdigest()}
    text = excerpt_of(args.excerpt, args.excerpt_bytes)
    nll = score(model, tokenizer.encode(text))
    dump(args.out / "default_model_reference.json", {
        "about": "Made by training/reference.py: an independent float64 NumPy forward pass over the dequantised weights "
                 "of the file named here. Logits of the last position, BOS in front; greedy: 32 more tokens, fewer "
                 f"where the next is won by less than {MIN_LEAD} logits, and the narrowest lead. score: windows of "
                 "`context` tokens that advance by half of it, every token after BOS scored once.",
        **digest,
        "context": model.context,
        "cases": [prompt_case(model, tokenizer, prompt) for prompt in PROMPTS],
        "score": {"source": args.excerpt_source, "text": text, "n_bytes": len(text.encode()), "n_tokens": len(nll),
                  "nll_nats": round(float(nll.sum()), 6)},
    })
    dump(args.out / "default_model_tokens.json", {
        "about": "Made by training/reference.py with the tokenizer that trained the model (training/tokenizer.py). "
                 "Ids without BOS.",
        **digest,
        "cases": [{"text": t, "ids": tokenizer.encode(t)} for t in TEXTS],
    })


if __name__ == "__main__":
    main()
