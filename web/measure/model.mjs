// A model of random weights with a real vocabulary's size: what it says is noise, how much of it there is is not.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const ALIGNMENT = 32
const U32 = 4, I32 = 5, F32 = 6, BOOL = 7, STRING = 8, ARRAY = 9
const Q8_0 = 8
/** Values in a Q8_0 block: a half-precision scale, then as many signed bytes. */
const BLOCK = 32
/** Standard deviation of whole numbers drawn evenly from -127 to 127. */
const EVEN = 73.6

/**
 * Writes a GGUF file of the llama architecture: one thin layer under `vocabulary` tokens, an output matrix of its own.
 * @param {string} path
 * @param {{ vocabulary: number, context: number, width?: number, deviation?: number, name: string }} shape
 *   `deviation` is that of the logits, which are close to normal.
 */
export function writeModel(path, { vocabulary, context, width = 64, deviation = 2.5, name }) {
  const { pieces, types } = pieceTable(vocabulary)
  const meta = [
    string('general.architecture', 'llama'), string('general.name', name), u32('general.file_type', 7),
    u32('llama.context_length', context), u32('llama.embedding_length', width), u32('llama.block_count', 1),
    u32('llama.feed_forward_length', width), u32('llama.attention.head_count', 2), u32('llama.attention.head_count_kv', 2),
    f32('llama.attention.layer_norm_rms_epsilon', 1e-5), u32('llama.rope.dimension_count', width / 2), f32('llama.rope.freq_base', 10000),
    string('tokenizer.ggml.model', 'llama'),
    array('tokenizer.ggml.tokens', STRING, pieces.map(text)),
    array('tokenizer.ggml.scores', F32, pieces.map((_, i) => float(-i))),
    array('tokenizer.ggml.token_type', I32, types.map(int)),
    u32('tokenizer.ggml.bos_token_id', 1), u32('tokenizer.ggml.eos_token_id', 2), u32('tokenizer.ggml.unknown_token_id', 0),
    flag('tokenizer.ggml.add_bos_token', true),
  ]
  const random = numbers(1)
  /** @type {[string, number[], number | null][]} name, shape with the fastest dimension first, deviation (null: a norm, all ones) */
  const tensors = [
    ['token_embd.weight', [width, vocabulary], 1],
    ['blk.0.attn_norm.weight', [width], null],
    ...['q', 'k', 'v', 'output'].map((part) => /** @type {[string, number[], number]} */ ([`blk.0.attn_${part}.weight`, [width, width], 0.1])),
    ['blk.0.ffn_norm.weight', [width], null],
    ...['gate', 'up', 'down'].map((part) => /** @type {[string, number[], number]} */ ([`blk.0.ffn_${part}.weight`, [width, width], 0.1])),
    ['output_norm.weight', [width], null],
    ['output.weight', [width, vocabulary], deviation / Math.sqrt(width)], // after the norm the state is sqrt(width) long
  ]
  const data = tensors.map(([, shape, spread]) => {
    const count = shape.reduce((a, b) => a * b)
    return padded(spread === null ? Buffer.concat(Array.from({ length: count }, () => float(1))) : blocks(count, spread / EVEN, random))
  })
  let offset = 0
  const table = tensors.map(([label, shape, spread], i) => {
    const entry = Buffer.concat([text(label), int(shape.length), ...shape.map(long), int(spread === null ? 0 : Q8_0), long(offset)])
    offset += data[i]?.length ?? 0
    return entry
  })
  const head = Buffer.concat([Buffer.from('GGUF'), int(3), long(tensors.length), long(meta.length), ...meta, ...table])
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, Buffer.concat([padded(head), ...data]))
}

/** Controls, 256 bytes, then words of letters by length, each also with a space in front. */
function pieceTable(/** @type {number} */ size) {
  const pieces = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`), '\u2581']
  const types = [2, 3, 3, ...Array.from({ length: 256 }, () => 6), 1]
  for (let level = ['']; pieces.length < size; ) {
    level = level.flatMap((word) => [...'etaoinshrdlucmfwypvbgkqjxz'].map((letter) => word + letter))
    for (const mark of ['', '\u2581']) for (const word of level) pieces.push(mark + word)
  }
  pieces.length = size
  return { pieces, types: [...types, ...Array.from({ length: size - types.length }, () => 1)] }
}

function blocks(/** @type {number} */ count, /** @type {number} */ scale, /** @type {() => number} */ random) {
  const out = Buffer.alloc((count / BLOCK) * (BLOCK + 2))
  for (let at = 0; at < out.length; at += BLOCK + 2) {
    out.writeUInt16LE(half(scale), at)
    for (let i = 0; i < BLOCK; i++) out.writeInt8(Math.floor(random() * 255) - 127, at + 2 + i)
  }
  return out
}

/** The bits of a normal half-precision number, its mantissa cut off. */
function half(/** @type {number} */ value) {
  const bits = float(value).readUInt32LE()
  return ((((bits >>> 23) & 0xff) - 112) << 10) | ((bits >>> 13) & 0x3ff)
}

/** mulberry32: the same numbers everywhere. */
function numbers(/** @type {number} */ seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const padded = (/** @type {Buffer} */ bytes) => Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)])
const int = (/** @type {number} */ value) => Buffer.from(Uint32Array.of(value).buffer)
const long = (/** @type {number} */ value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer)
const float = (/** @type {number} */ value) => Buffer.from(Float32Array.of(value).buffer)
const text = (/** @type {string} */ value) => Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)])
const entry = (/** @type {string} */ key, /** @type {number} */ type, /** @type {Buffer} */ value) => Buffer.concat([text(key), int(type), value])
const string = (/** @type {string} */ key, /** @type {string} */ value) => entry(key, STRING, text(value))
const u32 = (/** @type {string} */ key, /** @type {number} */ value) => entry(key, U32, int(value))
const f32 = (/** @type {string} */ key, /** @type {number} */ value) => entry(key, F32, float(value))
const flag = (/** @type {string} */ key, /** @type {boolean} */ value) => entry(key, BOOL, Buffer.of(value ? 1 : 0))
const array = (/** @type {string} */ key, /** @type {number} */ type, /** @type {Buffer[]} */ values) =>
  entry(key, ARRAY, Buffer.concat([int(type), long(values.length), ...values]))
