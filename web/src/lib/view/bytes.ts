// Tokens are bytes, not text: a character may be spread over several of them. Everything here goes from bytes.
import type { Token } from '../api/wire'

/** What a stretch of bytes is: readable text, an invisible character with a name, or bytes that are no character. */
export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'blank'; text: string; name: string }
  | { kind: 'bytes'; text: string }

/** Neighbouring tokens that share a character. `text` is what they say together; null for a token that stands alone. */
export interface Cluster {
  from: number
  to: number
  text: string | null
}

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const LENIENT = new TextDecoder('utf-8', { ignoreBOM: true })
const NAMES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u00a0': 'nbsp', '\u200b': 'zwsp', '\u00ad': 'shy' }

export function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1)
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

/** Bytes as pairs of hex digits: "20 67". */
export const spaced = (bytes: Uint8Array): string => [...bytes].map(hex).join(' ')

/** The running text: the concatenation of the bytes, decoded once. Control tokens add none. */
export function runningText(tokens: readonly Token[]): string {
  return LENIENT.decode(bytesOf(tokens.map((token) => token.bytes_hex).join('')))
}

/** Letters and marks that run from right to left, most of those that are in use. */
const LEFTWARD = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}\u200f\u202b\u202e\u2067]/u

/** Which way a text runs: the way of its first letter. */
export const direction = (text: string): 'ltr' | 'rtl' => (LEFTWARD.test(/\p{L}/u.exec(text)?.[0] ?? '') ? 'rtl' : 'ltr')

/** Something in it runs from right to left. */
export const leftward = (text: string): boolean => LEFTWARD.test(text)

/** Splits bytes into what can be read and what cannot; neighbours of one kind stay together. */
export function pieces(bytes: Uint8Array): Piece[] {
  const out: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = characterAt(bytes, at)
    const piece = length > 0 ? readable(STRICT.decode(bytes.subarray(at, at + length))) : unreadable(bytes[at] ?? 0)
    const last = out.at(-1)
    if (last && last.kind === piece.kind && last.kind !== 'blank') last.text += (piece.kind === 'bytes' ? ' ' : '') + piece.text
    else out.push(piece)
    at += Math.max(1, length)
  }
  return out
}

/** Groups tokens so that no group ends inside a character. */
export function clusters(tokens: readonly Token[]): Cluster[] {
  const starts = [0]
  for (const token of tokens) starts.push((starts.at(-1) ?? 0) + token.bytes_hex.length / 2)
  const bytes = bytesOf(tokens.map((token) => token.bytes_hex).join(''))
  const inside = new Set<number>() // byte offsets that lie inside a character
  for (let at = 0; at < bytes.length; ) {
    const length = Math.max(1, characterAt(bytes, at))
    for (let i = at + 1; i < at + length; i++) inside.add(i)
    at += length
  }
  const out: Cluster[] = []
  for (let from = 0; from < tokens.length; ) {
    let to = from + 1
    while (to < tokens.length && inside.has(starts[to] ?? -1)) to++
    out.push({ from, to, text: to - from > 1 ? runningText(tokens.slice(from, to)) : null })
    from = to
  }
  return out
}

/** A token in words, for labels that are read aloud or stand in a sentence. */
export function spoken(token: Token): string {
  if (token.special) return token.text
  const all = pieces(bytesOf(token.bytes_hex))
  const text = all.map((piece) => (piece.kind === 'text' ? piece.text : piece.kind === 'blank' ? piece.name : piece.text)).join('')
  return all.some((piece) => piece.kind === 'bytes') ? `bytes ${text}` : `“${dotted(text)}”`
}

/** Spaces at the edges are part of a token and would not be seen: drawn as dots. */
export const dotted = (text: string): string => text.replace(/^ +| +$/g, (spaces) => '·'.repeat(spaces.length))

/** Length of the valid UTF-8 character at `at`, or 0 where there is none. */
function characterAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  if (length < 2) return length
  if (at + length > bytes.length) return 0
  try {
    STRICT.decode(bytes.subarray(at, at + length)) // refuses overlong forms and surrogates too
    return length
  } catch {
    return 0
  }
}

function readable(character: string): Piece {
  const name = NAMES[character] ?? (/\p{Cc}/u.test(character) ? 'U+' + hex(character.codePointAt(0) ?? 0) : null)
  return name === null ? { kind: 'text', text: character } : { kind: 'blank', text: character, name }
}

const unreadable = (byte: number): Piece => ({ kind: 'bytes', text: hex(byte) })

function hex(n: number): string {
  return n.toString(16).toUpperCase().padStart(2, '0')
}
