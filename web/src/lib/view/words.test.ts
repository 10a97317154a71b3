import { expect, test } from 'vitest'
import type { Stage } from '../api/wire'
import { example } from './example'
import { asSentence, costWords, cutWords, headline, parameter, stageShort, stageTitle, tailWords, scopeWords } from './words'

const plain = (text: string | null) => text?.replaceAll('\u00a0', ' ')
const withStage = (at: number, over: Partial<Stage>, params: Stage['params']) =>
  example({ stages: example().stages.map((stage, i) => (i === at ? { ...stage, ...over, params } : stage)) })

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
  expect(costWords('top_k', withStage(2, { active: false }, { top_k: 0 }))).toBe('off: all 8 may be drawn')
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
  const stage = (name: string, params: Stage['params'], active = true) => ({ ...example().stages[0]!, stage: name, params, active })
  expect(parameter(stage('repetition_penalty', { repetition_penalty: 1.3, repeat_last_n: 64 }))).toBe('× 1.3, last 64')
  expect(parameter(stage('temperature', { temperature: 0.8 }))).toBe('T 0.8')
  expect(parameter(stage('top_k', { top_k: 5 }))).toBe('k 5')
  expect(parameter(stage('top_k', { top_k: 0 }, false))).toBe('off')
  expect(parameter(stage('top_p', { top_p: 0.9 }))).toBe('p 0.9')
})

test('a stage the page has no words for goes by its own name', () => {
  expect([stageTitle('log_softmax'), stageShort('log_softmax'), stageShort('top_k')]).toEqual(['Log softmax', 'log softmax', 'top-k'])
  expect(cutWords(example({ stages: [{ ...example().stages[2]!, stage: 'log_softmax' }] }), 'log_softmax')).toBe('cut by log softmax')
})

// Mutation: forget output_only -> red: vLLM's presence penalty does not see the prompt.
test('which tokens a penalty looks at is said', () => {
  const base = example()
  const stage = (params: Record<string, number>) => example({ stages: base.stages.map((s) => (s.stage === 'repetition_penalty' ? { ...s, params } : s)) })
  expect(scopeWords('repetition_penalty', stage({ repeat_last_n: -1 }))).toBe('looks at the whole prompt and the output')
  expect(scopeWords('repetition_penalty', stage({ repeat_last_n: 64 }))).toBe('looks at the last 64 tokens, prompt included')
  expect(scopeWords('repetition_penalty', stage({ repeat_last_n: -1, output_only: 1 }))).toBe('looks at the output only, not at the prompt')
  expect(scopeWords('temperature', base)).toBeNull()
})
