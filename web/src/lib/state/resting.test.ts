// When the page says that it rests: whoever waits for that reads what the core says of what is set.
import { flushSync } from 'svelte'
import { beforeEach, expect, test } from 'vitest'
import type { Clock } from './clock'
import { FakeBackend } from './fake'
import { Workbench } from './workbench.svelte'

/** Lets all happen that needs no time; true if the page said meanwhile, were it for a moment, that it rests. */
const settle = async () => {
  let rested = false
  for (let i = 0; i < 20; i++) {
    await Promise.resolve()
    rested ||= bench.resting
  }
  flushSync()
  return rested
}

let backend: FakeBackend
let bench: Workbench
let timers: (() => void)[]
let frames: (() => void)[]
let now: number
const clock: Clock = {
  now: () => now,
  frame: (run) => void frames.push(run),
  after(_, run) {
    timers.push(run)
    return () => (timers = timers.filter((timer) => timer !== run))
  },
}
const all = async (waiting: (() => void)[]) => {
  for (const run of waiting.splice(0)) run()
  await settle()
}

beforeEach(async () => {
  backend = new FakeBackend()
  ;[timers, frames, now] = [[], [], 0]
  bench = new Workbench(backend, clock)
  bench.draft = 'abc'
  const started = bench.start()
  expect(bench.resting).toBe(false)
  await started
  await settle()
  await all(frames)
  expect(bench.resting).toBe(true)
  now = 10_000
})

// Mutation: leave any part of `resting` out -> red here or below.
test('a drag rests with the answer to its last move, and once that is drawn', async () => {
  backend.held = []
  for (const temperature of [0.9, 0.8]) bench.set({ temperature })
  expect(bench.resting).toBe(false)
  await settle()
  backend.held.shift()?.()
  await settle()
  await all(frames)
  expect([bench.next?.sampler.temperature, bench.resting]).toEqual([0.9, false])
  now += 1000
  backend.held.shift()?.()
  expect(await settle()).toBe(false)
  expect([bench.next?.sampler.temperature, bench.resting]).toEqual([0.9, false])
  await all(frames)
  expect([bench.next?.sampler.temperature, bench.resting]).toEqual([0.8, true])
})

test('sentences that are a moment behind the numbers are waited for', async () => {
  for (const temperature of [0.9, 0.8]) {
    bench.set({ temperature })
    await settle()
    await all(frames)
  }
  expect([bench.next?.sampler.temperature, bench.told?.sampler.temperature, bench.resting]).toEqual([0.8, 0.9, false])
  await all(timers)
  expect([bench.told?.sampler.temperature, bench.resting]).toEqual([0.8, true])
})

test('an answer to a sentence that has moved on is not rest', async () => {
  backend.held = []
  bench.set({ temperature: 0.9 })
  bench.pick(bench.next!.tokens[0]!)
  await settle()
  backend.held.shift()?.()
  await settle()
  await all(frames)
  expect([bench.fresh, bench.resting]).toEqual([false, false])
  backend.held.shift()?.()
  await settle()
  await all(frames)
  expect([bench.fresh, bench.resting]).toEqual([true, true])
})

test('text that is being typed is unread, and rests when its picture is drawn', async () => {
  bench.type('abcd')
  expect(bench.resting).toBe(false)
  await all(timers)
  expect([bench.tokens.length, bench.resting]).toEqual([4, false])
  await all(frames)
  expect(bench.resting).toBe(true)
})

// Mutation: count exchanges down in guard() only where they succeed -> red.
test('nobody waits for an answer that will not come', async () => {
  backend.down = true
  bench.set({ temperature: 0.9 })
  expect(bench.resting).toBe(false)
  await settle()
  expect([bench.problem?.about, bench.resting]).toEqual(['gone', true])
  backend.down = false
  await bench.begin('too long')
  expect([bench.problem?.about, bench.resting]).toEqual(['prompt', true])
})

test('tokens that come by themselves: rest is when the last has been drawn, and its picture', async () => {
  const done = bench.generate(2)
  await settle()
  backend.stream?.(2)
  await settle()
  expect([bench.picks.length, bench.resting]).toEqual([0, false])
  await all(frames) // the tokens
  expect([bench.picks.length, bench.resting]).toEqual([2, false])
  await all(frames) // their picture
  await done
  await settle()
  expect(bench.resting).toBe(true)
})
