import { expect, test } from 'vitest'
import type { Sampler, Stage } from '../api/wire'
import { example } from './example'
import { asSentence, costWords, cutWords, headline, parameter, tailWords } from './words'

const plain = (text: string | null) => text?.replaceAll('\u00a0', ' ')
const sampler = (over: Partial<Sampler>) => ({ ...example().sampler, ...over })
const withStage = (at: number, over: Partial<Stage>, set: Partial<Sampler>) =>
  example({ stages: example().stages.map((stage, i) => (i === at ? { ...stage, ...over } : stage)), sampler: sampler(set) })

test('the headline says who leads and how wide the field is', () => {
  expect(plain(headline(example()))).toBe('“·the” leads with 69.5 %; a draw chooses among 3 of 8 tokens.')
  expect(headline(example({ metrics: { ...example().metrics, n_kept: 1 } }))).toBe('Only “·the” is left: every draw gives it.')
})

// Mutation: print the share that was cut instead of the share that is held -> red.
test('a cut gives its reason with the numbers that decided it', () => {
  expect(cutWords(example(), 'top_p')).toBe('top-p stops here: the 3 above hold 0.928 ≥ 0.9')
  expect(cutWords(example(), 'top_k')).toBe('top-k stops here: only the first 5 may stay; they held 0.989')
  expect(cutWords(example(), 'mask')).toContain('−∞')
})

test('a knob says what it costs now', () => {
  expect(costWords('temperature', example())).toBe('sharper: 1.91 → 1.60 bits of entropy')
  expect(costWords('top_k', example())).toBe('keeps 5 of 8 · they hold 0.989')
  expect(costWords('top_p', example())).toBe('keeps 3 of 5 · they hold 0.928')
  expect(costWords('repetition_penalty', example())).toBe('off: what was said may be said again')
})

test('a knob that changes nothing says so', () => {
  expect(costWords('top_k', withStage(2, { n_out: 8 }, { top_k: 9 }))).toBe('changes nothing: 8 tokens come in, all stay')
  expect(costWords('top_p', withStage(3, { n_in: 1, n_out: 1 }, { top_p: 0.5 }))).toBe('changes nothing: 1 token comes in, all stay')
  expect(costWords('top_k', withStage(2, {}, { top_k: 0 }))).toBe('off: all 8 may be drawn')
  expect(costWords('repetition_penalty', withStage(0, {}, { repetition_penalty: 1.2 }))).toContain('changes nothing')
  expect(costWords('temperature', withStage(1, {}, { temperature: 0 }))).toContain('greedy')
})

// Mutation: count the tail's survivors instead of its losses -> red.
test('the tail says which stage took how many', () => {
  expect(tailWords(example())).toBe('of these, top-k cuts 2; none is left')
  const rest = { ...example().rest, n: 4, n_kept: 1, journey: [{ n: 4, prob: 0.1 }, { n: 4, prob: 0.1 }, { n: 3, prob: 0.1 }, { n: 1, prob: 0.1 }] }
  expect(tailWords(example({ rest }))).toBe('of these, top-k cuts 1 and top-p cuts 2; 1 is left')
  expect(tailWords(example({ rest: { ...rest, journey: rest.journey.map(() => ({ n: 4, prob: 0.1 })) } }))).toBeNull()
})

test('messages of the core stand as sentences', () => {
  expect(asSentence('the prompt is empty; type')).toBe('The prompt is empty; type.')
  expect(asSentence('No answer.')).toBe('No answer.')
})

test('settings as headers show them', () => {
  expect(parameter('repetition_penalty', sampler({ repetition_penalty: 1.3, repeat_last_n: 64 }))).toBe('× 1.3, last 64')
  expect([parameter('temperature', sampler({})), parameter('top_k', sampler({})), parameter('top_p', sampler({}))]).toEqual(['T 0.8', 'k 5', 'p 0.9'])
})
