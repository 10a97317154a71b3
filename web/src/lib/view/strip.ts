// Surprisal and entropy along a sentence: where each token stands, and which of thousands are in view.
import type { PathToken } from '../api/wire'

export const STEP = 46
export const AXIS = 40
/** Surprisal of what cannot happen is infinite; its bar ends above all others. */
const OVER = 1.08

export type Account = 'raw' | 'shaped'

export const surprisalOf = (token: PathToken, account: Account): number | null => (account === 'raw' ? token.surprisal_raw_bits : token.surprisal_bits)
export const entropyOf = (token: PathToken, account: Account): number => (account === 'raw' ? token.entropy_raw_bits : token.entropy_bits)

export const xOf = (i: number): number => AXIS + i * STEP

/** The highest bar or line, in bits: the scale of all of them, so that scrolling changes nothing. */
export function topOf(tokens: readonly PathToken[], account: Account): number {
  let top = 6
  for (const token of tokens) top = Math.max(top, surprisalOf(token, account) ?? 0, entropyOf(token, account))
  return tokens.some((token) => surprisalOf(token, account) === null) ? top * OVER : top
}

/** The half-open range of tokens to draw: what can be seen, and some on either side for the next moment of scrolling. */
export function inView(n: number, scroll: number, width: number, spare = 4): { from: number; to: number } {
  const from = Math.min(n, Math.max(0, Math.floor((scroll - AXIS) / STEP) - spare))
  return { from, to: Math.min(n, Math.max(from, Math.ceil((scroll + width - AXIS) / STEP) + spare)) }
}
