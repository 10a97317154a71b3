"""GGUF v3, as much of it as the trainer needs: metadata, F32, F16 and Q8_0 tensors, read and written.

A tensor is a NumPy array with the row-major shape (rows, columns); the file lists the dimensions the other way round.
"""
from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

F32, F16, Q8_0 = 0, 1, 8
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
U32, I32, FLOAT, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
ALIGNMENT = 32
BLOCK = 32  # values per Q8_0 block: an f16 scale d and 32 int8, value = d * q


def quantise_q8_0(x: np.ndarray) -> bytes:
    """ggml's rule: d = amax / 127 in f32, q = round(x / d), halves away from zero; d is then stored as f16."""
    blocks = x.astype(np.float32).reshape(-1, BLOCK)
    d = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), d, out=np.zeros_like(d), where=d > 0)
    scaled = blocks * inverse
    q = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)).astype(np.int8)
    packed = np.empty(len(blocks), dtype=[("d", "<f2"), ("q", "i1", BLOCK)])
    packed["d"], packed["q"] = d[:, 0].astype(np.float16), q
    return packed.tobytes()


def decode(data: bytes, kind: int, shape: tuple[int, ...]) -> np.ndarray:
    """Raw tensor bytes -> f32 array."""
    if kind == Q8_0:
        packed = np.frombuffer(data, dtype=[("d", "<f2"), ("q", "i1", BLOCK)])
        return (packed["d"].astype(np.float32)[:, None] * packed["q"].astype(np.float32)).reshape(shape)
    return np.frombuffer(data, dtype="<f4" if kind == F32 else "<f2").astype(np.float32).reshape(shape)


def n_bytes(kind: int, count: int) -> int:
    return {F32: 4 * count, F16: 2 * count, Q8_0: count // BLOCK * (BLOCK + 2)}[kind]


class _Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def scalar(self, code: str) -> Any:
        value, = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return value

    def string(self) -> str:
        length = self.scalar("Q")
        self.at += length
        return self.data[self.at - length:self.at].decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            inner, count = self.scalar("I"), self.scalar("Q")
            return [self.value(inner) for _ in range(count)]
        return self.scalar(SCALARS[kind])


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(metadata, tensors as f32)"""
    r = _Reader(Path(path).read_bytes())
    if r.data[:4] != b"GGUF" or struct.unpack_from("<I", r.data, 4)[0] != 3:
        raise ValueError(f"{path} is not GGUF version 3")
    r.at = 8
    n_tensors, n_keys = r.scalar("Q"), r.scalar("Q")
    metadata = {}
    for _ in range(n_keys):
        key = r.string()
        metadata[key] = r.value(r.scalar("I"))
    entries = []
    for _ in range(n_tensors):
        name, n_dims = r.string(), r.scalar("I")
        shape = tuple(r.scalar("Q") for _ in range(n_dims))[::-1]
        entries.append((name, shape, r.scalar("I"), r.scalar("Q")))
    alignment = metadata.get("general.alignment", ALIGNMENT)
    start = (r.at + alignment - 1) // alignment * alignment
    tensors = {name: decode(r.data[start + at:start + at + n_bytes(kind, int(np.prod(shape)))], kind, shape)
               for name, shape, kind, at in entries}
    return metadata, tensors


def _string(text: str) -> bytes:
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _typed(value: Any) -> tuple[int, bytes]:
    """Python value -> (GGUF type, bytes). Integers become u32, but i32 inside arrays, as token types are elsewhere."""
    if isinstance(value, bool):
        return BOOL, struct.pack("<?", value)
    if isinstance(value, int):
        return U32, struct.pack("<I", value)
    if isinstance(value, float):
        return FLOAT, struct.pack("<f", value)
    if isinstance(value, str):
        return STRING, _string(value)
    if all(isinstance(v, int) for v in value):
        return ARRAY, struct.pack(f"<IQ{len(value)}i", I32, len(value), *value)
    return ARRAY, struct.pack("<IQ", STRING, len(value)) + b"".join(map(_string, value))


def _pad(f: BinaryIO) -> None:
    f.write(b"\0" * (-f.tell() % ALIGNMENT))


def write(path: str | Path, metadata: dict[str, Any], tensors: dict[str, tuple[np.ndarray, int]]) -> None:
    """tensors: name -> (array, F32 or Q8_0)"""
    with Path(path).open("wb") as f:
        f.write(struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata)))
        for key, value in metadata.items():
            kind, data = _typed(value)
            f.write(_string(key) + struct.pack("<I", kind) + data)
        at = 0
        for name, (array, kind) in tensors.items():
            f.write(_string(name) + struct.pack(f"<I{array.ndim}Q", array.ndim, *array.shape[::-1]))
            f.write(struct.pack("<IQ", kind, at))
            at += -(-n_bytes(kind, array.size) // ALIGNMENT) * ALIGNMENT
        for array, kind in tensors.values():
            _pad(f)
            f.write(quantise_q8_0(array) if kind == Q8_0 else array.astype("<f4").tobytes())
        _pad(f)
