import { expect, test } from 'vitest'
import { parseSeed, SeedLedger } from './seeds'

// Mutation: return `seed` unchanged from free() -> red.
test('a seed used at a position makes way for the next, elsewhere it stays', () => {
  const ledger = new SeedLedger()
  ledger.note(42, 5)
  ledger.note(43, 5)
  expect(ledger.free(42, 5)).toBe(44)
  expect(ledger.free(42, 6)).toBe(42)
  ledger.forget()
  expect(ledger.free(42, 5)).toBe(42)
})

test('a seed is a whole number that JavaScript holds exactly', () => {
  expect(parseSeed(' 17 ')).toBe(17)
  for (const text of ['', '-1', '1.5', '9007199254740993', 'seven', '0x10']) expect(parseSeed(text)).toBeNull()
})
