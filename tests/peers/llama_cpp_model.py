"""A GGUF model in llama.cpp, through its C interface, as exact as llama.cpp can be: keys and values in F32, no flash attention (it
rounds queries to F16), one thread."""
from __future__ import annotations

import ctypes
import sys

import llama_cpp.llama_cpp as C
import numpy as np

# How `llama-quantize` writes every matrix of a file in one type, or in its mixture of types.
FILE_TYPES = {"F32": C.LLAMA_FTYPE_ALL_F32, "F16": C.LLAMA_FTYPE_MOSTLY_F16, "BF16": C.LLAMA_FTYPE_MOSTLY_BF16,
              "Q8_0": C.LLAMA_FTYPE_MOSTLY_Q8_0, "Q4_0": C.LLAMA_FTYPE_MOSTLY_Q4_0, "Q4_1": C.LLAMA_FTYPE_MOSTLY_Q4_1,
              "Q5_0": C.LLAMA_FTYPE_MOSTLY_Q5_0, "Q5_1": C.LLAMA_FTYPE_MOSTLY_Q5_1, "Q2_K": C.LLAMA_FTYPE_MOSTLY_Q2_K,
              "Q3_K": C.LLAMA_FTYPE_MOSTLY_Q3_K_S, "Q4_K": C.LLAMA_FTYPE_MOSTLY_Q4_K_S, "Q5_K": C.LLAMA_FTYPE_MOSTLY_Q5_K_S,
              "Q6_K": C.LLAMA_FTYPE_MOSTLY_Q6_K, "IQ4_NL": C.LLAMA_FTYPE_MOSTLY_IQ4_NL, "IQ4_XS": C.LLAMA_FTYPE_MOSTLY_IQ4_XS,
              "Q4_K_M": C.LLAMA_FTYPE_MOSTLY_Q4_K_M}
MIXES = {"Q4_K_M"}  # as most people have them: some matrices in another type

_silent = C.llama_log_callback(lambda level, text, user: None)
C.llama_log_set(_silent, ctypes.c_void_p(0))
C.llama_backend_init()


def quantise(path: str, to: str, kind: str) -> None:
    """The same model with every matrix in one type (or the mixture of that name), by llama.cpp's own quantiser."""
    params = C.llama_model_quantize_default_params()
    params.ftype, params.pure, params.allow_requantize, params.nthread = FILE_TYPES[kind], kind not in MIXES, True, 1
    if C.llama_model_quantize(path.encode(), to.encode(), ctypes.byref(params)) != 0:
        sys.exit(f"llama.cpp does not write {path} as {kind}")


def log_softmax(x: np.ndarray) -> np.ndarray:
    """[..., V], in double"""
    x = x.astype(np.float64)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


class LlamaCpp:
    def __init__(self, path: str, n_ctx: int = 512):
        self.model = C.llama_model_load_from_file(path.encode(), C.llama_model_default_params())
        if not self.model:
            sys.exit(f"llama.cpp does not load {path}")
        params = C.llama_context_default_params()
        params.n_ctx, params.n_threads, params.n_threads_batch, params.type_k, params.type_v = n_ctx, 1, 1, 0, 0
        params.flash_attn_type = 0
        self.context = C.llama_init_from_model(self.model, params)
        self.vocab = C.llama_model_get_vocab(self.model)
        self.n_vocab = C.llama_vocab_n_tokens(self.vocab)

    def close(self) -> None:
        C.llama_free(self.context)
        C.llama_model_free(self.model)

    def tokenize(self, text: str) -> list[int]:
        ids = (ctypes.c_int32 * 256)()
        return list(ids[:C.llama_tokenize(self.vocab, text.encode(), len(text.encode()), ids, 256, True, False)])

    def logits(self, ids: list[int], first: int = 0) -> np.ndarray:
        """[T, V]: after each of `ids`, which stand at positions `first` on; 0 empties the cache."""
        if first == 0:
            C.llama_memory_clear(C.llama_get_memory(self.context), True)
        batch = C.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, first + i, 1, 1
            batch.seq_id[i][0] = 0
        if C.llama_decode(self.context, batch) != 0:
            sys.exit("llama_decode failed")
        rows = [np.ctypeslib.as_array(C.llama_get_logits_ith(self.context, i), (self.n_vocab,)).copy() for i in range(len(ids))]
        C.llama_batch_free(batch)
        return np.stack(rows)

    def greedy(self, ids: list[int], n: int) -> list[int]:
        """The n most likely tokens after `ids`, fewer where the text ends."""
        made = [int(self.logits(ids)[-1].argmax())]
        while len(made) < n and not C.llama_vocab_is_eog(self.vocab, made[-1]):
            made.append(int(self.logits(made[-1:], len(ids) + len(made) - 1)[0].argmax()))
        return made
