#!/usr/bin/env python3
"""Writes tests/fixtures/pretokens.json: how texts are cut by the patterns of models whose vocabularies are not at hand.

    python3 -m venv VENV && VENV/bin/pip install tokenizers && VENV/bin/python tests/tools/make_pretokens.py

The patterns are those of the models' own tokenizer.json, run by Hugging Face tokenizers (Apache-2.0), which is no
dependency of logitpeek.
"""
import json
from importlib.metadata import version
from pathlib import Path

from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SIGNS = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def cased(upper_times: str, lower_times: str, rest: str) -> str:
    return r"[^\r\n\p{L}\p{N}]?" + UPPER + upper_times + LOWER + lower_times + rest


PATTERNS = {
    "tekken": cased("*", "+", "") + "|" + cased("+", "*", "") + r"|\p{N}" + SIGNS,
    "gpt-4o": cased("*", "+", CONTRACTION + "?") + "|" + cased("+", "*", CONTRACTION + "?") +
    r"|\p{N}{1,3}" + SIGNS,
    "seed-coder": CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "llama-bpe": CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
TEXTS = [
    "Hello world", " Hello  World", "HelloWorld XMLHttpRequest iPhone McDonald ABCdef", "I'm we'LL they'Re it's 's 'S x'd",
    "1 12 123 1234 1234567 3.14 ½ ²", "a1b22c333", "\n\n\nx \n y\r\n\r\nz  \t ", "path/to//file.txt\n/x /\n",
    "if (x == 1) {\n    return \"a\";\n}\n", "Grüße, Ärger ÄRGER ßẞ", "Здравствуй, МИР", "你好世界 こんにちは 한국어 ไทย",
    "e\u0301a\u0308 \u0915\u094d\u0937\u093f", "ǅ ǈabc Ab", "🙂🙂 👍🏽 x🙂y", "!!! ... --- ''' \"\"\" <|im_start|>", "  leading", "trailing  ",
    "\t\ttabs\t", "\u00a0nbsp\u2003em", "don't DON'T Don't's", "", "aA Aa AAa aAA A a", "x_y __init__ a-b #tag @user",
    "한국어's 世界'll", "ʰa ªb ºC",
]


def main() -> None:
    out = {"source": f"tokenizers {version('tokenizers')}, by tests/tools/make_pretokens.py", "texts": TEXTS, "pieces": {}}
    for name, pattern in PATTERNS.items():
        split = Split(Regex(pattern), "isolated")
        out["pieces"][name] = [[piece for piece, _ in split.pre_tokenize_str(text)] for text in TEXTS]
    path = Path(__file__).parent.parent / "fixtures" / "pretokens.json"
    path.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")).replace("]],", "]],\n") + "\n")


if __name__ == "__main__":
    main()
