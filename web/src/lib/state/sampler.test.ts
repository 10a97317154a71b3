import { expect, test } from 'vitest'
import { NEUTRAL, type Dialects } from '../api/wire'
import { chainOf, SamplerState, wantedOf } from './sampler.svelte'

const dialects: Dialects = {
  settings: [],
  dialects: [
    { name: 'logitpeek', sampler: { dialect: 'logitpeek', ...NEUTRAL }, notes: [], settings: Object.keys(NEUTRAL) },
    { name: 'llama.cpp', sampler: { dialect: 'llama.cpp', temperature: 0.8, top_k: 40 }, notes: [], settings: ['temperature', 'top_k'] },
  ],
}

test('what was set is kept, what is the default is not', () => {
  const state = new SamplerState()
  state.know(dialects)
  state.set({ temperature: 0.7, top_k: 0, xtc_probability: 0.5 })
  expect(state.wanted).toEqual({ dialect: 'logitpeek', seed: 42, temperature: 0.7, xtc_probability: 0.5 })
  state.set({ temperature: 1 })
  expect(state.recipe.given).toEqual({ xtc_probability: 0.5 })
  state.speak('llama.cpp')
  expect([state.value('temperature'), state.value('top_k'), state.value('xtc_probability')]).toEqual([0.8, 40, 0.5])
  state.reset('xtc_probability')
  expect(state.wanted).toEqual({ dialect: 'llama.cpp', seed: 42 })
})

// Mutation: keep the dialect as it is written -> red.
test('a recipe from elsewhere: what is not known is left out, and named', () => {
  const state = new SamplerState()
  state.know({ ...dialects, settings: [{ name: 'top_k', aliases: [], help: '', range: '' }] })
  expect(state.understand({ dialect: 'llama.cpp', given: { top_k: 3 }, seed: 1, order: ['top_k'] })).toEqual({
    recipe: { dialect: 'llama.cpp', given: { top_k: 3 }, seed: 1, order: ['top_k'] }, strange: [],
  })
  expect(state.understand({ dialect: 'klingon', given: { top_k: 3, bogus: 1 }, seed: 1, order: ['top_k'] })).toEqual({
    recipe: { dialect: 'logitpeek', given: { top_k: 3 }, seed: 1, order: null }, strange: ['the dialect “klingon”', 'the setting “bogus”'],
  })
})

// Mutation: leave the stages in the order they were set -> red.
test('an order of one’s own: a chain for logitpeek, names for llama.cpp, nothing elsewhere', () => {
  const given = { temperature: 0.7, repetition_penalty: 1.1, repeat_last_n: 64, xtc_probability: 0.5, xtc_threshold: 0.2, top_p: 0.9 }
  expect(chainOf(given, ['top_p', 'temperature'])).toBe('top_p=0.9;temperature=0.7;repetition_penalty=1.1,last_n=64;xtc=0.5,threshold=0.2')
  const recipe = { given, seed: 1, order: ['top_p', 'temperature'] }
  expect(wantedOf({ ...recipe, dialect: 'logitpeek' })).toEqual({ dialect: 'logitpeek', seed: 1, chain: chainOf(given, recipe.order) })
  expect(wantedOf({ ...recipe, dialect: 'llama.cpp' })).toMatchObject({ samplers: 'top_p;temperature', temperature: 0.7 })
  expect(wantedOf({ ...recipe, dialect: 'vllm' })).toEqual({ dialect: 'vllm', seed: 1, ...given })
})
