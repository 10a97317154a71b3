import { expect, test } from 'vitest'
import { example } from '../view/example'
import { FLAT, STEPS, type Glance } from './steps'

const glance = (over: Partial<Glance> = {}): Glance => ({ next: example(), dialect: 'logitpeek', settings: {}, picks: 0, prompt: '', tab: 'river', frozen: false, broken: false, ...over })
const metrics = (over: object) => example({ metrics: { ...example().metrics, ...over } })

/** For each step: how the page looks when its task is not yet done, and when it is. */
const CASES: Record<string, [Glance, Glance]> = {
  softmax: [glance({ picks: 1 }), glance({ picks: 1, broken: true })],
  temperature: [glance({ settings: { temperature: 0.3 } }), glance({ settings: { temperature: 0 } })],
  top_k: [glance({ prompt: 'They lived' }), glance({ prompt: FLAT })],
  top_p: [glance({ prompt: 'They lived' }), glance({ prompt: FLAT })],
  min_p: [glance({ settings: { min_p: 0.1, top_p: 0.9 } }), glance({ settings: { min_p: 0, top_p: 0.9 } })],
  penalty: [glance({ picks: 20, settings: { repetition_penalty: 1 } }), glance({ picks: 20, settings: { repetition_penalty: 1.3 } })],
  entropy: [glance(), glance({ next: metrics({ raw_entropy_bits: 6.5 }) })],
  perplexity: [glance({ tab: 'tree' }), glance({ tab: 'sentence' })],
  kl: [glance({ next: metrics({ kl_raw_final_bits: 0.4 }) }), glance({ next: metrics({ kl_raw_final_bits: null }) })],
  generate: [glance({ picks: 2 }), glance({ picks: 5 })],
  dialects: [glance(), glance({ dialect: 'llama.cpp' })],
}

// Mutation: let any step's done() return true -> red.
test.each(STEPS.map((step) => [step.id, step] as const))('%s notices when its task is done, and not before', (id, step) => {
  const [before, after] = CASES[id] ?? [glance(), glance()]
  expect([step.done(before), step.done(after)]).toEqual([false, true])
  expect(step.reveal(after).length).toBeGreaterThan(20)
})

test('every step has its own name, and its formulas are TeX that can be set', async () => {
  const katex = (await import('katex')).default
  expect(new Set(STEPS.map((step) => step.id)).size).toBe(STEPS.length)
  for (const step of STEPS) {
    for (const formula of step.formulas(glance())) expect(katex.renderToString(formula, { output: 'mathml', throwOnError: true })).toContain('<math')
  }
})
