import { expect, test } from 'vitest'
import { clipped } from './said'

// Mutation: cut bytes, not letters -> red.
test('a text that is too long for its place ends in dots, and fits', () => {
  expect(clipped('word', 40, 40)).toBe('word')
  expect(clipped('wonderful', 90, 50)).toBe('wond…')
  expect(clipped('\u{1d400}\u{1d401}\u{1d402}\u{1d403}', 40, 30)).toBe('\u{1d400}\u{1d401}…')
  expect(clipped('word', 40, 3)).toBe('…')
})
