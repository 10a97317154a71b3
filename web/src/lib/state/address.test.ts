import { expect, test } from 'vitest'
import { read, write, type Address } from './address'

const full: Address = {
  model: 'logitpeek tales', chat: true, prompt: 'A "tale" & more = 100 % ☃\nend', given: 3, picks: [5, 17, 4095], how: 'hsg', at: 4,
  recipe: { dialect: 'llama.cpp', given: { temperature: 0.7, logit_bias: { 5: -1 } }, seed: 9, order: ['top_k', 'temperature'] }, frozen: { dialect: 'vllm', given: { top_k: 3 }, seed: 4, order: null }, tab: 'ranks', lesson: 2,
}
const plain: Address = {
  model: null, prompt: '', chat: false, given: null, picks: [], how: '', at: null, recipe: { dialect: 'logitpeek', given: {}, seed: 42, order: null }, frozen: null, tab: 'river', lesson: null,
}

// Mutation: forget any field in write() -> red.
test('what is written is read again', () => {
  expect(read('#' + write(full))).toEqual(full)
  expect(read(write(plain))).toEqual(plain)
})

test('what is no address is none, and what cannot be read in one is left out', () => {
  expect(read('')).toBeNull()
  expect(read('#elsewhere')).toBeNull()
  expect(read('#prompt=x&picks=1.two.3&set={broken&seed=-4&view=nowhere&at=1e9')).toEqual({ ...plain, prompt: 'x', picks: [1, 3] })
})
