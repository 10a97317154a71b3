// The shipped model with a chat template put into its file, for tests of conversations: the header is written anew, the weights are copied.
import { readFileSync, writeFileSync } from 'node:fs'

const ALIGNMENT = 32
const STRING = 8
const ARRAY = 9
/** Bytes of a value by its type; strings and arrays tell their own. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8]

/**
 * @param {string} from
 * @param {string} to
 * @param {Record<string, string>} texts keys and values to add
 */
export function withTexts(from, to, texts) {
  const file = readFileSync(from)
  let at = 4 + 4
  const u32 = () => ((at += 4), file.readUInt32LE(at - 4))
  const u64 = () => ((at += 8), Number(file.readBigUInt64LE(at - 8)))
  const skipString = () => {
    const n = u64() // first, for it moves `at`
    at += n
  }
  /** @param {number} type */
  const skipValue = (type) => {
    if (type === STRING) return skipString()
    if (type !== ARRAY) return void (at += SIZES[type] ?? 0)
    const [of, n] = [u32(), u64()]
    for (let i = 0; i < n; i++) skipValue(of)
  }
  const tensors = u64()
  const pairs = u64()
  for (let i = 0; i < pairs; i++) {
    skipString()
    skipValue(u32())
  }
  const endOfPairs = at
  for (let i = 0; i < tensors; i++) {
    skipString()
    const dimensions = u32()
    at += 8 * dimensions + 4 + 8
  }
  const endOfTensors = at
  const added = Buffer.concat(Object.entries(texts).map(([key, value]) => Buffer.concat([string(key), le(4, STRING), string(value)])))
  const head = Buffer.concat([file.subarray(0, endOfPairs), added, file.subarray(endOfPairs, endOfTensors)])
  head.writeBigUInt64LE(BigInt(pairs + Object.keys(texts).length), 16)
  const up = (/** @type {number} */ n) => Math.ceil(n / ALIGNMENT) * ALIGNMENT
  writeFileSync(to, Buffer.concat([head, Buffer.alloc(up(head.length) - head.length), file.subarray(up(endOfTensors))]))
}

/** @param {string} text */
const string = (text) => Buffer.concat([le(8, Buffer.byteLength(text)), Buffer.from(text)])
/** @param {number} size @param {number} value */
function le(size, value) {
  const bytes = Buffer.alloc(size)
  bytes.writeUInt32LE(value)
  return bytes
}
