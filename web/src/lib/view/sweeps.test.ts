import { expect, test } from 'vitest'
import { logTicks, SWEPT, valuesOf, valuesWith } from './sweeps'

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

test('the value that is set is among those asked for, in its place; what lies beyond the ends is not', () => {
  const values = valuesWith('temperature', 4096, 0.8125)
  expect(values).toEqual([...values].sort((a, b) => a - b))
  expect(values).toContain(0.8125)
  expect(values.length).toBe(valuesOf('temperature', 4096).length + 1)
  expect(valuesWith('temperature', 4096, 7)).toEqual(valuesOf('temperature', 4096))
  expect(valuesWith('min_p', 4096, 0)).toEqual(valuesOf('min_p', 4096))
})

test('ticks of a logarithmic axis are round numbers, as many as there is room for', () => {
  expect(logTicks(1, 28, 6)).toEqual([1, 2, 5, 10, 20])
  expect(logTicks(1, 4096, 5)).toEqual([1, 10, 100, 1000])
  expect(logTicks(1, 200, 5)).toEqual([1, 3, 10, 30, 100])
  expect(logTicks(1e-4, 1, 5)).toEqual([1e-4, 1e-3, 0.01, 0.1, 1])
})
