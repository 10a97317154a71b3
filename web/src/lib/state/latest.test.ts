import { expect, test } from 'vitest'
import { LatestWins } from './latest'

const settle = () => new Promise((resolve) => setTimeout(resolve))

// Mutation: run every submission at once -> red.
test('at most one runs, and only the latest waits', async () => {
  const started: number[] = []
  const finish: (() => void)[] = []
  const queue = new LatestWins<number>((n) => {
    started.push(n)
    return new Promise((resolve) => finish.push(resolve))
  })
  for (const n of [1, 2, 3, 4]) queue.submit(n)
  expect(started).toEqual([1])
  finish[0]?.()
  await settle()
  expect(started).toEqual([1, 4])
  finish[1]?.()
  await settle()
  queue.submit(5)
  expect(started).toEqual([1, 4, 5])
})
