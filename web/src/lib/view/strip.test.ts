import { expect, test } from 'vitest'
import type { PathToken } from '../api/wire'
import { inView, STEP, topOf, xOf } from './strip'

const token = (over: Partial<PathToken>): PathToken => ({
  id: 1, text: 'a', bytes_hex: '61', position: 1, surprisal_raw_bits: 2, rank_raw: 1, prob_raw: 0.25, entropy_raw_bits: 3, prob: 0.25, surprisal_bits: 9,
  rank: 1, cut_by: null, entropy_bits: 1, perplexity: 2, n_kept: 8, top1_prob: 0.5, kl_final_raw_bits: 0, kl_raw_final_bits: 0, ...over,
})

// Mutation: return n for `to` -> red: 4,000 tokens would all be drawn.
test('of thousands of tokens only those in view are drawn, wherever one has scrolled to', () => {
  expect(inView(4000, 0, 900)).toEqual({ from: 0, to: 23 })
  const middle = inView(4000, xOf(2000), 900)
  expect(middle.from).toBe(1996)
  expect(middle.to - middle.from).toBeLessThan(900 / STEP + 10)
  expect(inView(4000, 1e9, 900)).toEqual({ from: 4000, to: 4000 })
  expect(inView(3, 0, 900)).toEqual({ from: 0, to: 3 })
})

test('one scale for the whole sentence, of the account that is asked for, with room above where a bar has no end', () => {
  expect(topOf([token({}), token({ entropy_raw_bits: 7 })], 'raw')).toBe(7)
  expect(topOf([token({})], 'shaped')).toBe(9)
  expect(topOf([token({}), token({ surprisal_bits: null })], 'shaped')).toBeCloseTo(9.72)
  expect(topOf([], 'raw')).toBe(6)
})
