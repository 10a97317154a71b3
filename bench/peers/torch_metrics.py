#!/usr/bin/env python3
"""What PyTorch takes for entropy and KL on one thread: torch_metrics.py FOLDER, with the logits that sampling_bench --write-logits=FOLDER wrote."""
import json
import pathlib
import statistics
import sys
import time

import numpy as np
import torch

SHAPES, SIZES, REPEATS = ("peaked", "zipf", "flat"), (50257, 128256, 151936, 262144), 41


def microseconds(f) -> float:
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        f()
        times.append(time.perf_counter() - begun)
    return 1e6 * statistics.median(times)


def entropy(x: torch.Tensor) -> float:
    log_p = torch.log_softmax(x, -1)
    return float(-(log_p.exp() * log_p).sum())


def kl(x: torch.Tensor, y: torch.Tensor) -> float:
    log_p, log_q = torch.log_softmax(x, -1), torch.log_softmax(y, -1)
    return float((log_p.exp() * (log_p - log_q)).sum())


def main(folder: pathlib.Path) -> None:
    torch.set_num_threads(1)
    rows = []
    for n in SIZES:
        flat = torch.from_numpy(np.fromfile(folder / f"flat-{n}.f32", dtype=np.float32))
        for shape in SHAPES:
            x = torch.from_numpy(np.fromfile(folder / f"{shape}-{n}.f32", dtype=np.float32))
            rows.append({"shape": shape, "n": n, "entropy_us": microseconds(lambda: entropy(x)), "kl_us": microseconds(lambda: kl(x, flat)),
                         "softmax_us": microseconds(lambda: torch.softmax(x, -1))})
    print(json.dumps({"torch": torch.__version__, "rows": rows}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
