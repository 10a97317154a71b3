import { flushSync } from 'svelte'
import { beforeEach, expect, test } from 'vitest'
import { FakeBackend } from './fake'
import { readTurns, writeTurns } from './turns'
import type { Clock } from './clock'
import { Workbench } from './workbench.svelte'

const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
  flushSync()
}

let backend: FakeBackend
let timers: (() => void)[]
let bench: Workbench
let now: number
const clock: Clock = {
  now: () => now,
  frame: (run) => run(),
  after(_, run) {
    timers.push(run)
    return () => (timers = timers.filter((timer) => timer !== run))
  },
}
const tick = async () => {
  for (const run of timers.splice(0)) run()
  await settle()
}

beforeEach(async () => {
  backend = new FakeBackend()
  timers = []
  now = 0
  bench = new Workbench(backend, clock)
  bench.draft = 'abc'
  await bench.start()
  await settle()
})

const ids = () => bench.picks.map((pick) => pick.token.id)

test('starts with the prompt’s tokens and their picture', () => {
  expect(bench.tokens).toEqual([0, 1, 2])
  expect(bench.fresh).toBe(true)
})

// Mutation: send every change at once -> red.
test('a drag keeps two requests in flight and the latest waiting, and the old picture until then', async () => {
  backend.held = []
  const before = bench.picture
  for (const temperature of [0.9, 0.8, 0.7, 0.6]) bench.set({ temperature })
  await settle()
  const asked = () => backend.looks.slice(1).map((look) => look.sampler.temperature)
  expect(asked()).toEqual([0.9, 0.8])
  expect(bench.picture).toBe(before)
  for (const [temperature, so] of [[0.9, [0.9, 0.8, 0.6]], [0.8, [0.9, 0.8, 0.6]], [0.6, [0.9, 0.8, 0.6]]] as const) {
    backend.held.shift()?.()
    await settle()
    expect(bench.picture?.next.sampler.temperature).toBe(temperature)
    expect(asked()).toEqual(so)
  }
})

// Mutation: ask again when the slider is told -> red.
test('what a pointer is about to set is asked before it is set, and once', async () => {
  bench.foresee({ temperature: 0.5 })
  await settle()
  expect(backend.looks.at(-1)?.sampler.temperature).toBe(0.5)
  expect(bench.sampler.temperature).toBe(1)
  expect(bench.resting).toBe(false)
  const asked = backend.looks.length
  bench.set({ temperature: 0.5 })
  await tick()
  expect([backend.looks.length, bench.sampler.temperature, bench.picture?.next.sampler.temperature, bench.resting]).toEqual([asked, 0.5, 0.5, true])
})

// Mutations: take any set for the one foreseen -> red; leave what was foreseen on show -> red.
test('what was foreseen and is not set does not stay on show', async () => {
  bench.foresee({ temperature: 0.5 })
  bench.set({ temperature: 0.6 })
  await settle()
  expect(bench.picture?.next.sampler.temperature).toBe(0.6)
  bench.foresee({ temperature: 0.7 })
  await settle()
  expect(bench.picture?.next.sampler.temperature).toBe(0.7)
  now += 200
  await tick()
  await settle()
  expect(bench.picture?.next.sampler.temperature).toBe(0.6)
  expect(bench.resting).toBe(true)
})

// Mutation: show the answer whatever model gave it -> red.
test('a model loaded by another tab is noticed with the next answer, and the text read anew', async () => {
  bench.pick(bench.next!.tokens[1]!)
  await settle()
  ;[backend.file, backend.name] = ['b.gguf', 'n']
  bench.set({ temperature: 0.9 })
  await settle()
  expect(bench.status?.model.name).toBe('n')
  expect([bench.applied, bench.picks.length, bench.next?.model]).toEqual(['abc', 0, 'n'])
  const told = 'Another tab or program loaded “n”, and your text was read anew with it; Undo brings back what was picked.'
  expect(bench.notice).toBe(told)
  bench.undo()
  expect(bench.picks.length).toBe(1)
  await bench.load('c.gguf')
  expect(bench.notice).toBeNull() // what one asks for oneself is no news
})

// Mutation: leave `hurry.picture()` out -> red.
test('pictures in quick succession do not glide, and the next one after a pause does', async () => {
  now = 1000
  bench.set({ temperature: 0.9 })
  await settle()
  expect(bench.hurry.on).toBe(false)
  now += 20
  bench.set({ temperature: 0.8 })
  await settle()
  expect(bench.hurry.on).toBe(true)
  expect([bench.next?.sampler.temperature, bench.told?.sampler.temperature]).toEqual([0.8, 0.9]) // numbers at once, sentences at reading speed
  await tick()
  expect(bench.told?.sampler.temperature).toBe(0.8)
  expect(bench.hurry.on).toBe(false)
})

// Mutation: leave the time of `expect()` out, or its end -> red.
test('a drag does not glide from its first picture on, until the hand rests', async () => {
  now = 1000
  bench.hurry.expect()
  now += 20
  bench.set({ temperature: 0.9 })
  await settle()
  expect(bench.hurry.on).toBe(true)
  await tick()
  expect(bench.hurry.on).toBe(false)
})

test('a pick by hand is appended and asked about', async () => {
  bench.pick(bench.next!.tokens[1]!)
  await settle()
  expect(bench.tokens).toEqual([0, 1, 2, 11])
  expect(backend.looks.at(-1)?.tokens).toEqual([0, 1, 2, 11])
  expect(bench.lastPick).toMatchObject({ how: 'hand', rank: 2, probRaw: 0.2009238 })
  expect(bench.lastPick?.surprisalBits).toBeCloseTo(2.3153, 3)
})

// Mutation: drop the check for freshness in pick() -> red.
test('rows ranked for another sentence cannot be picked', async () => {
  backend.held = []
  const stale = bench.next!.tokens[0]!
  bench.pick(stale)
  bench.pick(stale)
  expect(ids()).toEqual([10])
})

test('quick presses are drawn one after the other, each after the last', async () => {
  void bench.sample()
  void bench.sample()
  void bench.greedy()
  await settle()
  await settle()
  expect(backend.draws.map((draw) => draw.tokens.length)).toEqual([3, 4, 5])
  expect(ids()).toEqual([1045, 1046, 1047])
  expect(bench.picks.map((pick) => pick.how)).toEqual(['sample', 'sample', 'greedy'])
})

// Mutation: never note a seed as used -> red.
test('sampling again after going back uses the next seed, and shows it', async () => {
  await bench.sample()
  bench.back()
  await bench.sample()
  expect(backend.draws.map((draw) => draw.sampler.seed)).toEqual([42, 43])
  expect(bench.sampler.seed).toBe(43)
  bench.back()
  bench.set({ seed: 42 })
  await bench.sample()
  expect(backend.draws.at(-1)?.sampler.seed).toBe(42)
})

// Mutation: drop what lies ahead in stand() -> red.
test('standing before a pick shows what it was chosen from; what follows stays ahead', async () => {
  for (let i = 0; i < 3; i++) await bench.sample()
  bench.standBefore(bench.path.at(-2)!.id)
  await settle()
  expect(ids()).toEqual([1045])
  expect(backend.looks.at(-1)).toMatchObject({ tokens: [0, 1, 2, 1045], ids: [1046] })
  expect(bench.ahead.map((node) => node.pick.token.id)).toEqual([1046, 1047])
  bench.forward()
  bench.forward()
  await settle()
  expect(ids()).toEqual([1045, 1046, 1047])
})

// Mutation: let a pick replace what lies ahead -> red.
test('choosing something else begins a branch; the other one is still there; undo and redo go through all of it', async () => {
  await bench.sample()
  await bench.sample()
  bench.standBefore(bench.path.at(-1)!.id)
  await settle()
  bench.pick(bench.next!.tokens[0]!)
  await settle()
  expect(ids()).toEqual([1045, 10])
  expect(bench.tree.leaves().map((leaf) => leaf.pick.token.id)).toEqual([1046, 10])
  bench.remove(bench.at!)
  expect(ids()).toEqual([1045])
  bench.undo()
  expect(ids()).toEqual([1045, 10])
  bench.undo()
  expect(bench.tree.leaves().length).toBe(1)
  bench.redo()
  bench.redo()
  expect([ids(), bench.canRedo]).toEqual([[1045], false])
})

test('inside the prompt one can stand too; a pick there is no prompt', async () => {
  bench.standBefore(bench.path.at(-1)!.id)
  await settle()
  expect(backend.looks.at(-1)).toMatchObject({ tokens: [0, 1], prompt_length: 2 })
  bench.pick(bench.next!.tokens[0]!)
  await settle()
  expect(backend.looks.at(-1)).toMatchObject({ tokens: [0, 1, 10], prompt_length: 2 })
})

test('another prompt is a new tree, and undo brings the old one back with its picks', async () => {
  await bench.sample()
  bench.type('xy')
  bench.apply()
  await settle()
  expect(bench.tokens).toEqual([0, 1])
  bench.undo()
  expect([bench.draft, bench.tokens]).toEqual(['abc', [0, 1, 2, 1045]])
})

// Mutation: append what comes after stop() -> red.
test('tokens stream in until told to stop, and are one step of undo', async () => {
  const done = bench.generate(5)
  await settle()
  backend.stream?.(3)
  expect([ids(), bench.generating]).toEqual([[1000, 1001, 1002], { made: 3, of: 5, mode: 'sample' }])
  bench.stop()
  backend.stream?.(1)
  expect(await done).toBe('cancelled')
  await settle()
  expect([ids().length, bench.generating]).toEqual([3, null])
  bench.undo()
  expect(ids()).toEqual([])
})

// Mutation: tokenise while typing although there are picks -> red.
test('typing is live without picks, and waits to be asked with picks', async () => {
  bench.type('abcd')
  await tick()
  expect(bench.tokens).toEqual([0, 1, 2, 3])
  await bench.sample()
  bench.type('ab')
  await tick()
  expect(bench.tokens.length).toBe(5)
  expect(bench.draftPending).toBe(true)
  bench.apply()
  await settle()
  expect(bench.tokens).toEqual([0, 1])
})

// Mutation: draw from the old prompt while the new one waits for its pause -> red.
test('a draw right after typing continues what was typed, and the pause then does nothing', async () => {
  bench.type('abcde')
  expect(bench.fresh).toBe(false)
  bench.pick(bench.next!.tokens[0]!)
  expect(ids()).toEqual([])
  await bench.sample()
  await tick()
  expect(backend.draws.map((draw) => draw.tokens.length)).toEqual([5])
  expect(ids()).toEqual([1047])
  const waiting = timers.length
  bench.type('abcde')
  expect([timers.length, bench.typing]).toEqual([waiting, false])
})

// Mutation: clear draft or picks when something fails -> red.
test('nothing typed or picked is lost when the server goes, and it goes on when it is back', async () => {
  await bench.sample()
  await settle()
  backend.down = true
  bench.set({ temperature: 0.5 })
  await settle()
  expect(bench.problem?.about).toBe('gone')
  expect([bench.draft, ids().length, bench.picture?.next.sampler.temperature]).toEqual(['abc', 1, undefined])
  await tick()
  expect(bench.problem?.about).toBe('gone')
  backend.down = false
  await tick()
  expect(bench.problem).toBeNull()
  expect(bench.picture?.next.sampler.temperature).toBe(0.5)
})

test('another model after a restart reads the text anew', async () => {
  await bench.sample()
  backend.down = true
  bench.set({ temperature: 0.5 })
  await settle()
  backend.down = false
  backend.file = 'b.gguf'
  bench.retry()
  await settle()
  expect([bench.picks.length, bench.tokens]).toEqual([0, [0, 1, 2]])
})

test('a prompt that cannot be taken is explained in place and stays typed', async () => {
  bench.type('too long')
  await tick()
  expect(bench.problem).toEqual({ about: 'prompt', message: 'The text is too long.', field: '/text' })
  expect([bench.draft, bench.tokens]).toEqual(['too long', [0, 1, 2]])
  bench.type('')
  await tick()
  expect(bench.problem?.message).toContain('empty')
  bench.type('ok')
  await tick()
  expect(bench.problem).toBeNull()
})

// Mutation: send the old dialect's defaults along -> red: 1 would not be the other engine's default.
test('another dialect keeps what was set by hand, fills in its own defaults, and is told what is the prompt', async () => {
  bench.set({ min_p: 0.2, seed: 7 })
  await settle()
  bench.speak('other')
  await settle()
  expect(backend.looks.at(-1)?.sampler).toEqual({ dialect: 'other', min_p: 0.2, seed: 7 })
  expect([bench.sampler.temperature, bench.settings.value('top_k')]).toEqual([0.8, 40])
  bench.set({ temperature: 1 })
  await settle()
  expect(backend.looks.at(-1)?.sampler).toEqual({ dialect: 'other', min_p: 0.2, temperature: 1, seed: 7 })
  bench.pick(bench.next!.tokens[0]!)
  await settle()
  const look = backend.looks.at(-1)
  expect(look?.tokens.length).toBe((look?.prompt_length ?? 0) + 1)
  await bench.sample()
  expect(backend.draws.at(-1)?.sampler.dialect).toBe('other')
  bench.settings.reset('min_p', 'temperature')
  bench.speak('logitpeek')
  await settle()
  expect(backend.looks.at(-1)?.sampler).toEqual({ dialect: 'logitpeek', seed: bench.sampler.seed })
})

// Mutation: let moment() take the wish for what is held -> red.
test('an instruct model reads a conversation in its chat template; undo goes back to the plain text', async () => {
  bench.converse(true)
  await settle()
  expect(bench.tokens).toEqual([90, 91, 99])
  bench.type(writeTurns([{ role: 'system', content: 'Be brief.' }, ...readTurns(bench.draft)]))
  await tick()
  expect(bench.tokens).toEqual([90, 91, 92, 99])
  await bench.sample()
  bench.converse(false)
  await settle()
  expect([bench.draft, bench.tokens]).toEqual(['abc', [0, 1, 2]])
  bench.undo()
  await settle()
  expect([bench.asChat, bench.tokens.length, readTurns(bench.draft).length]).toEqual([true, 5, 2])
  bench.undo()
  bench.undo()
  expect([bench.asChat, bench.draft]).toEqual([false, 'abc'])
})

// Mutation: let the first stream's end clear `generating` in pace() -> red.
test('the speed of a stream can be changed while it comes; it is still one step to undo', async () => {
  void bench.generate(5, 'sample', 1000)
  await settle()
  backend.stream?.(2)
  bench.pace(0)
  await settle()
  expect(bench.generating).toMatchObject({ made: 2, of: 5 })
  backend.stream?.(3)
  await settle()
  expect([bench.picks.length, bench.generating]).toEqual([5, null])
  bench.undo()
  expect(bench.picks.length).toBe(0)
})

test('a lesson brings its own text and settings, and undo brings back what was there', async () => {
  await bench.sample()
  await bench.scene({ prompt: 'wxyz', settings: { temperature: 0.5 } })
  await settle()
  expect([bench.tokens.length, bench.sampler.temperature]).toEqual([4, 0.5])
  bench.undo()
  await settle()
  expect([bench.draft, ids()]).toEqual(['abc', [1045]])
})
