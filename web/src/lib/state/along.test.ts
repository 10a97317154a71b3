import { expect, test } from 'vitest'
import type { Place } from '../api/backend'
import type { PathAnswer } from '../api/wire'
import { Along, pauseFor } from './along.svelte'

const place = (...tokens: number[]): Place => ({ tokens, prompt_length: tokens.length, sampler: { dialect: 'logitpeek' } })
const answer: PathAnswer = { tokens: [], total_logprob_raw: 0, total_logprob: 0, perplexity_raw: 1, perplexity: 1 }

function setup() {
  const asked: Place[] = []
  const due = new Set<() => void>()
  const along = new Along(
    { path: (question) => (asked.push(question), Promise.resolve(answer)) },
    (_, run) => (due.add(run), () => due.delete(run)),
  )
  return { along, asked, pass: () => [...due].forEach((run) => (due.delete(run), run())) }
}

// Mutation: forget #cancel in follow, or the check for the same place -> red.
test('many look on, one asks, and only when the place has stood for a moment', async () => {
  const { along, asked, pass } = setup()
  const here = place(1, 2)
  const there = place(1, 2, 3)
  along.follow(here, 8)
  along.follow(there, 8)
  along.follow(there, 8)
  expect(asked).toEqual([])
  pass()
  await new Promise((answered) => setTimeout(answered)) // a question while another is out would wait, not be refused
  along.follow(there, 8)
  pass()
  expect(asked).toEqual([there])
})

test('one token has nothing before it', () => {
  const { along, asked, pass } = setup()
  along.follow(place(1), 8)
  pass()
  expect(asked).toEqual([])
})

test('a long sentence over a large vocabulary waits longer, but not for ever', () => {
  expect(pauseFor(20, 4096)).toBe(40)
  expect(pauseFor(100, 151936)).toBeCloseTo(759.68)
  expect(pauseFor(4000, 151936)).toBe(1500)
})
