import { expect, test } from 'vitest'
import { SWEPT, valuesOf } from './sweeps'

test.each(SWEPT)('values of %s rise, without doubles, from end to end', (setting) => {
  const values = valuesOf(setting, 4096)
  expect(values).toEqual([...new Set(values)].sort((a, b) => a - b))
  expect(values.length).toBeGreaterThan(25)
})

test('every value is one that every engine takes', () => {
  expect(valuesOf('top_k', 151936).at(-1)).toBe(151936)
  expect(valuesOf('top_k', 8)[0]).toBe(1)
  expect(Math.min(...valuesOf('top_p', 8), ...valuesOf('temperature', 8), ...valuesOf('min_p', 8))).toBeGreaterThan(0)
  expect(Math.max(...valuesOf('top_p', 8), ...valuesOf('min_p', 8))).toBe(1)
})
