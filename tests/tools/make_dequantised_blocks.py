#!/usr/bin/env python3
"""Writes tests/fixtures/dequantised_blocks.json: random blocks of every quantised type and the numbers they mean.

    python3 -m venv VENV && VENV/bin/pip install gguf && VENV/bin/python tests/tools/make_dequantised_blocks.py

The numbers are those of `gguf.quants.dequantize` of the PyPI package gguf (MIT, by the authors of llama.cpp), which is no
dependency of logitpeek: a third opinion beside src/quant and tests/support/quant_reference.h. Floats are stored as the
eight hex digits of their bits, one block a type.
"""
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

# Type -> where a block holds halves, which must be finite; any other byte may be anything.
HALVES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "IQ4_NL": [0], "Q2_K": [80, 82],
          "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_XS": [0]}


def main() -> None:
    rng = np.random.default_rng(4)
    blocks = {}
    for name, halves in HALVES.items():
        kind = GGMLQuantizationType[name]
        block = rng.integers(0, 256, GGML_QUANT_SIZES[kind][1], dtype=np.uint8)
        for at in halves:
            block[at:at + 2] = np.frombuffer(np.float16(rng.normal(0, 0.1)).tobytes(), np.uint8)
        values = quants.dequantize(block[None, :], kind).astype("<f4")
        blocks[name] = {"bytes": block.tobytes().hex(), "floats": values.view("<u4").astype(">u4").tobytes().hex()}
    out = {"source": f"gguf {version('gguf')} from PyPI, by tests/tools/make_dequantised_blocks.py", "blocks": blocks}
    path = Path(__file__).parent.parent / "fixtures" / "dequantised_blocks.json"
    path.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
