import { expect, test } from 'vitest'
import { Kept, sameWords } from './chase'
import { example } from './example'

const next = example()
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

// Mutation: keep what was kept whoever looks -> red.
test('rows wait while nobody needs them, and then show the picture of now', () => {
  const kept = new Kept<{ next: typeof next }>()
  const [a, b, c] = [{ next }, { next: swapped }, { next: { ...next, logits_hash: 'another' } }]
  expect(kept.after(a, true)).toBe(a)
  expect(kept.after(b, true)).toBe(a)
  expect(kept.after(b, false)).toBe(b)
  expect(kept.after(a, true)).toBe(b)
  expect(kept.after(c, true)).toBe(c)
})
