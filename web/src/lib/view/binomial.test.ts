import { expect, test } from 'vitest'
import { interval95 } from './binomial'

// Quantiles from exact fractions (Python: sum of comb(n, k) p^k (1-p)^(n-k)). Mutation: 0.025 -> 0.05 -> red.
test.each([
  [100, 1 / 2, 40, 60],
  [1000, 0.321, 292, 350],
  [1000, 0.002, 0, 5],
  [1000, 0.0001, 0, 1],
  [100, 0.99, 97, 100],
  [10, 0.3, 0, 6],
  [1, 0.5, 0, 1],
  [2000, 1 / 3, 626, 708],
])('%i draws of %f stay between %i and %i', (n, p, low, high) => {
  expect(interval95(n, p)).toEqual([low, high])
})

test('what is certain or impossible does not stray', () => {
  expect(interval95(1000, 0)).toEqual([0, 0])
  expect(interval95(1000, 1)).toEqual([1000, 1000])
})

test('a hundred thousand draws are no trouble', () => {
  const [low, high] = interval95(100_000, 0.2)
  expect(low).toBeGreaterThan(20_000 - 260)
  expect(high).toBeLessThan(20_000 + 260)
})
