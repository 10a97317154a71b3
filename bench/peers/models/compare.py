#!/usr/bin/env python3
"""Decoding and prompts beside llama.cpp: the same files, in turns, with two yardsticks measured in the same run. Prints a Markdown table.

    cmake --preset release -DLP_BENCH=ON && cmake --build --preset release --target logitpeek read_bandwidth
    ./test --peers                                           # installs llama.cpp, compiled for this processor, into .peers
    .peers/bin/python bench/peers/models/compare.py          # writes 5 GB of models with random weights to build/peer-models

The yardsticks: streaming read bandwidth (bench/read_bandwidth.cc) for decoding; for prompts, float32 matrix products of NumPy's OpenBLAS: as if a prompt were
nothing but the products with the layers' matrices."""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

import make_gguf

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SHAPES = {"s135": "smollm2-135m", "tl11": "tinyllama-1.1b"}
TYPES = ("f16", "q8_0", "q4_0", "q4_k")
SHIPPED = "shipped"


def model_file(name: str, folder: pathlib.Path) -> pathlib.Path:
    if name == SHIPPED:
        return next((ROOT / "models").glob("*.gguf"))
    shape, kind = name.split("-")
    path = folder / f"{SHAPES[shape]}-{kind}.gguf"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        subprocess.run([sys.executable, HERE / "make_gguf.py", "--preset", SHAPES[shape], "--type", kind, "--out", part], check=True, stdout=sys.stderr)
        part.rename(path)
    return path


def layer_flops(shape: str) -> float:
    """Of the products of one token of a prompt; the output matrix is for the last token only."""
    p = dict(zip(("layers", "d", "heads", "kv_heads", "ffn"), make_gguf.PRESETS[SHAPES[shape]]))
    return 2.0 * p["layers"] * p["d"] * (2 * p["d"] + 2 * p["d"] // p["heads"] * p["kv_heads"] + 3 * p["ffn"])


def sgemm_gflops(threads: int) -> float:
    """A process of its own: OpenBLAS reads the number of threads when it starts."""
    code = ("import numpy as np, time; a = np.ones((1536, 1536), np.float32); b = a.copy(); t = []\n"
            "for _ in range(7):\n s = time.perf_counter(); a @ b; t.append(time.perf_counter() - s)\nprint(2 * 1536**3 / sorted(t)[3] / 1e9)")
    env = dict(os.environ, OPENBLAS_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=env).stdout)


def speeds(engine: str, binary: str, path: pathlib.Path, threads: int, prompt: int, decode: int) -> dict:
    if engine == "ours":
        command = [binary, "bench", "-m", path, "-t", threads, "-p", prompt, "-n", decode, "-r", 1, "--json"]
        out = json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout)
        return {"prompt": out["prompt_tokens_per_s"], "decode": out["decode_tokens_per_s"], "bytes": out["weight_bytes_per_token"]}
    command = [sys.executable, HERE / "llama_speed.py", path, threads, prompt, decode]
    return json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout)


def first_distribution(binary: str) -> float:
    """ms from process start to the shipped model's first distribution, printed."""
    begun = time.perf_counter()
    subprocess.run([binary, "next", "-p", "Once upon a time"], check=True, capture_output=True)
    return 1e3 * (time.perf_counter() - begun)


def measure(name: str, args) -> dict:
    path = model_file(name, args.folder)
    median = lambda values: statistics.median(values)
    runs = {}
    bandwidth, sgemm = [], []
    for _ in range(args.rounds):
        bandwidth.append(json.loads(subprocess.run([args.bandwidth], check=True, capture_output=True).stdout)["read_gb_per_s"])
        sgemm.append([sgemm_gflops(1), sgemm_gflops(2)])
        for threads in args.threads:
            for prompt in args.prompts:
                decode = args.decode if prompt == min(args.prompts) else 0
                for engine in ("ours", "llama"):
                    runs.setdefault((engine, threads, prompt), []).append(speeds(engine, args.binary, path, threads, prompt, decode))
    result = {"name": name, "bandwidth": [median(b[i] for b in bandwidth) for i in (0, 1)], "sgemm": [median(s[i] for s in sgemm) for i in (0, 1)]}
    for (engine, threads, prompt), rows in runs.items():
        result[f"{engine}-prompt{prompt}-{threads}"] = median(r["prompt"] for r in rows)
        if rows[0]["decode"]:
            result[f"{engine}-decode-{threads}"] = median(r["decode"] for r in rows)
            result["bytes"] = result.get("bytes") or rows[0].get("bytes")
    return result


def print_table(results: list[dict], threads: list[int], prompts: list[int]) -> None:
    print("| model | threads | decode tok/s, GB/s, of bandwidth | llama.cpp | ratio | "
          + " | ".join(f"prompt of {p}: tok/s, of sgemm | llama.cpp | ratio" for p in prompts) + " |")
    print("| --- | --- | " + "--- | " * (3 + 3 * len(prompts)))
    for r in results:
        for t in threads:
            ours, theirs = r[f"ours-decode-{t}"], r[f"llama-decode-{t}"]
            rate = ours * r["bytes"] / 1e9
            cells = [r["name"], str(t), f"{ours:,.1f}, {rate:.1f}, {rate / r['bandwidth'][t - 1]:.2f}", f"{theirs:,.1f}", f"{ours / theirs:.2f}"]
            for p in prompts:
                ours, theirs = r[f"ours-prompt{p}-{t}"], r[f"llama-prompt{p}-{t}"]
                share = "" if r["name"] == SHIPPED else f", {ours * layer_flops(r['name'].split('-')[0]) / 1e9 / r['sgemm'][t - 1]:.2f}"
                cells += [f"{ours:,.0f}{share}", f"{theirs:,.0f}", f"{ours / theirs:.2f}"]
            print("| " + " | ".join(cells) + " |")
    for r in results:
        print(f"{r['name']}: read {r['bandwidth'][0]:.1f} / {r['bandwidth'][1]:.1f} GB/s, sgemm {r['sgemm'][0]:.0f} / {r['sgemm'][1]:.0f} GFLOP/s, "
              f"{r['bytes'] / 1e6:.1f} MB of weights a token")


def main() -> None:
    names = [f"{shape}-{kind}" for shape in SHAPES for kind in TYPES] + [SHIPPED]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=names, metavar="MODEL", help=f"of {', '.join(names)} (all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], choices=(1, 2))
    parser.add_argument("--prompts", type=int, nargs="+", default=[128, 512], help="tokens")
    parser.add_argument("--decode", type=int, default=32, help="tokens")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/peer-models", help="where the model files go")
    parser.add_argument("--binary", default=ROOT / "build/release/bin/logitpeek")
    parser.add_argument("--bandwidth", default=ROOT / "build/release/bin/read_bandwidth")
    parser.add_argument("--json", type=pathlib.Path, help="keeps the figures there; with files of earlier runs as MODEL it prints their table")
    args = parser.parse_args()
    results = []
    for name in args.models:
        results.append(json.loads(pathlib.Path(name).read_text()) if name.endswith(".json") else measure(name, args))
        if args.json and not name.endswith(".json"):
            (args.json / f"{name}.json").write_text(json.dumps(results[-1]))
    print_table(results, args.threads, args.prompts)
    if SHIPPED in args.models:
        print(f"first distribution of the shipped model: {statistics.median(first_distribution(args.binary) for _ in range(9)):.0f} ms from process start")


if __name__ == "__main__":
    main()
