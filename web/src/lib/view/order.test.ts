import { expect, test } from 'vitest'
import { example } from './example'
import { arranged, movable, moved } from './order'

const { stages } = example()

test('cards stand as their stages act, in an order of one’s own where there is one', () => {
  const cards = ['top_p', 'temperature', 'min_keep', 'top_k'] as const
  expect(arranged(cards, 'logitpeek', null, stages)).toEqual(['temperature', 'top_k', 'top_p', 'min_keep'])
  expect(arranged(cards, 'logitpeek', ['top_p', 'temperature', 'top_k'], stages)).toEqual(['top_p', 'temperature', 'top_k', 'min_keep'])
})

// Mutation: count cards without a stage of their own among the places -> red.
test('moving a card moves its stage past the next one that can be moved', () => {
  const cards = ['temperature', 'min_keep', 'top_k', 'top_p'] as const
  expect(moved(cards, 'logitpeek', 'temperature', 1)).toEqual({ order: ['top_k', 'temperature', 'top_p'], at: 1 })
  expect(moved(cards, 'logitpeek', 'top_p', 5)).toBeNull()
  expect(moved(['repetition_penalty', 'presence_penalty', 'top_k'], 'llama.cpp', 'top_k', -9)).toEqual({ order: ['top_k', 'penalties'], at: 0 })
})

test('engines with an order of their own keep it', () => {
  expect([movable('vllm', 'top_k'), movable('llama.cpp', 'top_k'), movable('llama.cpp', 'top_a'), movable('logitpeek', 'min_keep')]).toEqual([false, true, false, false])
})
