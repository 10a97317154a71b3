import { expect, test } from 'vitest'
import type { Row, Stage } from '../api/wire'
import { example } from './example'
import { story } from './story'

const plain = (text: string) => text.replaceAll('\u00a0', ' ')
const row = (n: number, over: Partial<Row> = {}): Row => ({ ...example().tokens[n]!, ...over })
const sentence = (n: number, over: Partial<Row> = {}, next = example()) => plain(story(row(n, over), next).sentence)

test('a token that lives: its rank, its chance, what the model gave it', () => {
  expect(sentence(1)).toBe('“·a”: rank 2; a draw gives it 19.9 % of the time, among 3; the model gives it 20.1 %.')
  expect(sentence(1, { rank_raw: 5 })).toContain('rank 2 (the model’s rank 5);')
})

// Mutation: leave out the margin -> red.
test('a token that is cut: by what, why, and by how much it missed', () => {
  expect(sentence(3, { margin: 0.5 })).toBe('“·it”: cut by top-p: the first 3 tokens already hold 0.928, where 0.9 is asked for; it missed by 0.50 nats.')
  expect(sentence(5, { margin: 0.7 })).toBe('“·you”: cut by top-k: only the first 5 may stay, and it is number 6; it missed by 0.70 nats.')
  expect(sentence(3, { margin: 0 })).toContain('it tied with the last that stayed.')
  expect(sentence(3, { margin: 0.001 })).toContain('by less than 0.01 nats')
})

test('min-p compares with the leader; the stage before it says what the token had', () => {
  const next = example()
  const min_p: Stage = { ...next.stages[4]!, active: true, n_in: 3, n_out: 2, threshold: 0.14, params: { min_p: 0.2 } }
  next.stages[4] = min_p
  expect(sentence(2, { cut_by: 'min_p', margin: 0.3 }, next)).toBe(
    '“·her”: cut by min-p: it has 10.7 %, where 14.0 % were asked for, 0.2 times the leader’s; it missed by 0.30 nats.',
  )
})

test('a logit of minus infinity is the model’s own doing', () => {
  expect(sentence(5, { cut_by: 'mask', logit: null, journey: [] })).toBe('“·you”: the model itself rules it out: its logit is −∞, before any setting looks at it.')
})

test('its way: stages that did nothing are left out, the one that cuts ends it', () => {
  const way = (n: number) => story(row(n), example()).steps.map((step) => plain(`${step.name} ${step.value}`))
  expect(way(0)).toEqual(['model 54.6 %', 'Temperature 63.7 %', 'Top-k 64.4 %', 'Top-p 69.5 %', 'final 69.5 %'])
  expect(way(5)).toEqual(['model 1.6 %', 'Temperature 0.80 %', 'Top-k cut'])
})

test('its figures: id, bytes, logit before and after, both ranks', () => {
  expect(story(row(0, { rank_raw: 4 }), example()).facts).toEqual([
    ['id', '10'], ['bytes', '20 74 68 65'], ['logit', '5.00'], ['shaped logit', '6.25'], ['rank', '4 → 1'], ['of', '8'],
  ])
})
