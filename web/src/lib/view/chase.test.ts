import { expect, test } from 'vitest'
import type { Next } from '../api/wire'
import { changed, Kept, sameWords } from './chase'
import { columns } from './columns'
import { example } from './example'
import { river, wide, type River } from './river'

const next = example()
const xs = columns(next.stages, 300, 900, false)
const [first, second, ...others] = next.tokens as [(typeof next.tokens)[0], (typeof next.tokens)[0]]
const swapped = { ...next, tokens: [{ ...second, rank: 1 }, { ...first, rank: 2 }, ...others] }

// Mutation: leave out any one of the conditions -> red.
test('rows lend their words to a picture of the same place and the same tokens, in any order', () => {
  expect(sameWords(next, { ...next, tokens: next.tokens.map((row) => ({ ...row, prob: row.prob / 2 })) })).toBe(true)
  expect(sameWords(next, swapped)).toBe(true)
  expect(sameWords(next, { ...next, logits_hash: 'another' })).toBe(false)
  expect(sameWords(next, { ...next, tokens: next.tokens.slice(1) })).toBe(false)
  expect(sameWords(next, { ...next, tokens: [{ ...first, id: 999 }, second, ...others] })).toBe(false)
  // "raw #1" is one of a row's words: its own logit was changed, and its rank with it.
  expect(sameWords(next, { ...next, tokens: [{ ...first, rank: 2, logit: 1 }, second, ...others] })).toBe(false)
  const many = { ...next, tokens: Array.from({ length: 151 }, (_, id) => ({ ...first, id })) }
  expect(sameWords(many, many)).toBe(false)
})

// Mutation: leave out a part of how a row looks, or hold for the sake of one row -> red.
test('rows wait while nobody needs them and many change, and then show the picture of now', () => {
  const pictured = (next: Next) => ({ next, view: river(next, xs, wide('linear')) })
  const all = (by: number) => ({ ...next, tokens: next.tokens.map((row) => ({ ...row, prob_raw: row.prob_raw * by })) })
  const one = { ...next, tokens: [{ ...first, prob: 0.5 }, second, ...others] }
  expect([changed(pictured(next).view, pictured(next).view), changed(pictured(next).view, pictured(one).view)]).toEqual([0, 1])
  expect(changed(pictured(next).view, pictured(all(0.1)).view)).toBeGreaterThan(4)
  const kept = new Kept<{ next: Next; view: River }>()
  const [a, few, b, elsewhere] = [pictured(next), pictured(one), pictured(all(0.1)), pictured({ ...all(1), logits_hash: 'another' })]
  expect(kept.after(a, true)).toBe(a)
  expect(kept.after(few, true)).toBe(few)
  expect(kept.after(b, true)).toBe(few)
  expect(kept.after(few, true)).toBe(few)
  expect(kept.after(a, true)).toBe(few) // whatever comes, once they wait
  expect(kept.after(b, false)).toBe(b)
  expect(kept.after(elsewhere, true)).toBe(elsewhere)
})
