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

// Mutation: show before the next one is run -> red.
test('the next question is on its way before an answer is shown, and what showing asks is not forgotten', async () => {
  const done: string[] = []
  const queue: LatestWins<number> = new LatestWins(async (n) => {
    done.push(`ask ${n}`)
    await settle()
    return () => {
      done.push(`show ${n}`)
      if (n === 2) queue.submit(3)
    }
  })
  queue.submit(1)
  queue.submit(2)
  await settle()
  await settle()
  await settle()
  await settle()
  expect(done).toEqual(['ask 1', 'ask 2', 'show 1', 'show 2', 'ask 3', 'show 3'])
})

// Mutation: say so after every answer -> red.
test('it is busy from the first question until the last answer is shown', async () => {
  const said: (boolean | string)[] = []
  const queue = new LatestWins<number>(async (n) => {
    await settle()
    return () => void said.push(`show ${n}`)
  }, (busy) => said.push(busy))
  queue.submit(1)
  queue.submit(2)
  for (let i = 0; i < 4; i++) await settle()
  expect(said).toEqual([true, 'show 1', 'show 2', false])
})

// Mutation: show whatever comes -> red: the picture would go back.
test('two may be asked at a time; an answer that was overtaken is not shown', async () => {
  const done: string[] = []
  const finish: (() => void)[] = []
  const queue = new LatestWins<number>(
    async (n) => {
      done.push(`ask ${n}`)
      await new Promise<void>((resolve) => finish.push(resolve))
      return () => void done.push(`show ${n}`)
    },
    (busy) => done.push(busy ? 'busy' : 'idle'),
    () => 2,
  )
  for (const n of [1, 2, 3, 4]) queue.submit(n)
  finish[1]?.()
  await settle()
  finish[0]?.()
  await settle()
  finish[2]?.()
  await settle()
  expect(done).toEqual(['busy', 'ask 1', 'ask 2', 'ask 4', 'show 2', 'show 4', 'idle'])
})

// Mutation: an answer's place is always taken by what waits -> red: it would stay two for as long as somebody drags.
test('where fewer are to be asked from now on, the next one waits for all of those under way', async () => {
  const asked: number[] = []
  const finish: (() => void)[] = []
  let abreast = 2
  const queue = new LatestWins<number>(
    (n) => {
      asked.push(n)
      return new Promise((resolve) => finish.push(resolve))
    },
    () => {},
    () => abreast,
  )
  for (const n of [1, 2, 3]) queue.submit(n)
  abreast = 1
  finish[0]?.()
  await settle()
  expect(asked).toEqual([1, 2])
  finish[1]?.()
  await settle()
  expect(asked).toEqual([1, 2, 3])
  queue.submit(4)
  finish[2]?.()
  await settle()
  expect(asked).toEqual([1, 2, 3, 4])
})
