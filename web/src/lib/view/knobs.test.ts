import { expect, test } from 'vitest'
import { ALL_KNOBS, detailsOf, offValue, parse, position, STEPS, startValue, valueAt } from './knobs'

const VOCABULARY = 4096

// Mutation: make top-k linear -> red: most of the slider would do nothing worth seeing.
test('top-k is logarithmic, and off at the right end', () => {
  expect(valueAt('top_k', 0, VOCABULARY)).toBe(1)
  expect(valueAt('top_k', STEPS / 2, VOCABULARY)).toBe(64)
  expect(valueAt('top_k', STEPS, VOCABULARY)).toBe(0)
  expect(position('top_k', 0, VOCABULARY)).toBe(STEPS)
  expect(position('top_k', 99999, VOCABULARY)).toBe(STEPS)
})

test('every neutral setting has its place', () => {
  expect(position('repetition_penalty', 1, VOCABULARY)).toBe(0)
  expect(position('temperature', 1, VOCABULARY)).toBe(STEPS / 2)
  expect(position('top_p', 1, VOCABULARY)).toBe(STEPS)
})

test('a position and its value agree wherever the slider stands', () => {
  for (const name of ALL_KNOBS) {
    for (let at = 0; at <= STEPS; at += 25) {
      const value = valueAt(name, at, VOCABULARY)
      expect(valueAt(name, position(name, value, VOCABULARY), VOCABULARY)).toBe(value)
    }
  }
})

// Mutation: accept 0 for top_p -> red.
test('fields take what the core takes, and nothing else', () => {
  expect([parse('temperature', '0'), parse('temperature', ' 1.25 '), parse('temperature', '5')]).toEqual([0, 1.25, 5])
  expect([parse('top_p', '1'), parse('repeat_last_n', '-1'), parse('repeat_last_n', '−1'), parse('top_k', '0')]).toEqual([1, -1, -1, 0])
  for (const [name, text] of [['top_p', '0'], ['top_p', '1.1'], ['top_k', '1.5'], ['top_k', '-1'], ['temperature', '-0.1'],
    ['repetition_penalty', '0'], ['repeat_last_n', '-2'], ['temperature', ''], ['temperature', 'hot'], ['temperature', 'Infinity']] as const) {
    expect(parse(name, text)).toBeNull()
  }
})

// Mutation: a start value outside the slider's reach -> red.
test('every sampler has a value to begin with that does something, and an off', () => {
  for (const name of ALL_KNOBS) {
    expect(startValue(name), name).not.toBe(offValue(name))
    expect(parse(name, String(startValue(name))), name).toBe(startValue(name))
    expect(parse(name, String(offValue(name))), name).toBe(offValue(name))
    expect(valueAt(name, position(name, startValue(name), VOCABULARY), VOCABULARY), name).toBeCloseTo(startValue(name), 3)
    expect(position(name, offValue(name), VOCABULARY), name).not.toBe(position(name, startValue(name), VOCABULARY))
  }
})

test('details stand on their cards', () => {
  expect([detailsOf('xtc_probability'), detailsOf('top_k')]).toEqual([['xtc_threshold'], []])
  expect([parse('xtc_threshold', '0.6'), parse('dry_base', '0.5'), parse('adaptive_decay', '0.9')]).toEqual([null, null, 0.9])
})
