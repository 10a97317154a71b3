import { flushSync } from 'svelte'
import { beforeEach, expect, test } from 'vitest'
import { Failure, type Backend, type DrawRequest, type NextRequest } from '../api/backend'
import { NEUTRAL, type Dialect, type Draw, type Next, type Status, type Token, type Tokenized } from '../api/wire'
import { example } from '../view/example'
import { Workbench, type Clock } from './workbench.svelte'

const token = (id: number): Token => ({ id, text: String(id), bytes_hex: '61' })

/** A core with one token a character; draws give 1000 + seed + position. Answers come when told to. */
class FakeBackend implements Backend {
  file = 'a.gguf'
  down = false
  looks: NextRequest[] = []
  draws: DrawRequest[] = []
  held: (() => void)[] | null = null

  async status(): Promise<Status> {
    this.#check()
    const model = { name: 'm', file: this.file, architecture: 'llama', parameters: 1, quantization: 'F32', vocab_size: 8,
      context_length: 99, file_bytes: 1, bos_id: null, eos_id: 15 }
    return { version: '0', threads: 1, model }
  }
  async dialects(): Promise<Dialect[]> {
    this.#check()
    const all = ['temperature', 'top_k', 'top_p', 'seed']
    return [
      { name: 'logitpeek', sampler: { dialect: 'logitpeek', ...NEUTRAL }, notes: [], settings: Object.keys(NEUTRAL) },
      { name: 'other', sampler: { dialect: 'other', temperature: 0.8, top_k: 40, top_p: 0.9 }, notes: ['odd'], settings: all },
    ]
  }
  async tokenize(text: string): Promise<Tokenized> {
    this.#check()
    if (text === 'too long') throw new Failure('refused', 'The text is too long.', 'out_of_range', '/text')
    return { model: 'm', tokens: [...text].map((_, i) => token(i)) }
  }
  async next(request: NextRequest): Promise<Next> {
    this.#check()
    this.looks.push(request)
    if (this.held) await new Promise<void>((resolve) => this.held?.push(resolve))
    return example({ sampler: request.sampler })
  }
  async draw(request: DrawRequest): Promise<Draw> {
    this.#check()
    this.draws.push(request)
    const seed = request.sampler.seed ?? 0
    const position = request.tokens.length
    const row = { ...example().tokens[0]!, id: 1000 + seed + position, surprisal_bits: 1, end: false }
    return { token: row, mode: request.mode, seed, position, u: request.mode === 'greedy' ? null : 0.5, mirostat_mu: null }
  }
  #check() {
    if (this.down) throw new Failure('gone', 'no answer')
  }
}

const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
  flushSync()
}

let backend: FakeBackend
let timers: (() => void)[]
let bench: Workbench
const clock: Clock = {
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
test('a drag keeps one request in flight and the latest waiting, and the old picture until then', async () => {
  backend.held = []
  const before = bench.picture
  for (const temperature of [0.9, 0.8, 0.7]) bench.set({ temperature })
  await settle()
  expect(backend.looks.slice(1).map((look) => look.sampler.temperature)).toEqual([0.9])
  expect(bench.picture).toBe(before)
  backend.held.shift()?.()
  await settle()
  expect(bench.picture?.next.sampler.temperature).toBe(0.9)
  backend.held.shift()?.()
  await settle()
  expect(backend.looks.slice(1).map((look) => look.sampler.temperature)).toEqual([0.9, 0.7])
  expect(bench.picture?.next.sampler.temperature).toBe(0.7)
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
  bench.undo()
  await bench.sample()
  expect(backend.draws.map((draw) => draw.sampler.seed)).toEqual([42, 43])
  expect(bench.sampler.seed).toBe(43)
  bench.undo()
  bench.set({ seed: 42 })
  await bench.sample()
  expect(backend.draws.at(-1)?.sampler.seed).toBe(42)
})

test('rewinding drops the pick and what follows', async () => {
  for (let i = 0; i < 3; i++) await bench.sample()
  bench.rewind(1)
  await settle()
  expect(ids()).toEqual([1045])
  expect(backend.looks.at(-1)?.tokens).toEqual([0, 1, 2, 1045])
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
  bench.type('abcde')
  expect([timers.length, bench.typing]).toEqual([0, false])
})

// Mutation: clear draft or picks when something fails -> red.
test('nothing typed or picked is lost when the server goes, and it goes on when it is back', async () => {
  await bench.sample()
  await settle()
  backend.down = true
  bench.set({ temperature: 0.5 })
  await settle()
  expect(bench.problem?.about).toBe('gone')
  expect([bench.draft, ids().length, bench.picture?.next.sampler.temperature]).toEqual(['abc', 1, 1])
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
  expect(bench.problem).toEqual({ about: 'prompt', message: 'The text is too long.' })
  expect([bench.draft, bench.tokens]).toEqual(['too long', [0, 1, 2]])
  bench.type('')
  await tick()
  expect(bench.problem?.message).toContain('empty')
  bench.type('ok')
  await tick()
  expect(bench.problem).toBeNull()
})

// Mutation: keep the knobs where they stood -> red: 1 would not be the other engine's default.
test('another dialect brings its defaults, sends only what acts there, and says what is the prompt', async () => {
  await bench.start()
  await settle()
  bench.set({ temperature: 1.5, min_p: 0.2, seed: 7 })
  await settle()
  bench.speak('other')
  await settle()
  expect(backend.looks.at(-1)?.sampler).toEqual({ dialect: 'other', temperature: 0.8, top_k: 40, top_p: 0.9, seed: 7 })
  expect(bench.neutral.temperature).toBe(0.8)
  bench.pick(bench.next!.tokens[0]!)
  await settle()
  const look = backend.looks.at(-1)
  expect(look?.tokens.length).toBe((look?.prompt_length ?? 0) + 1)
  await bench.sample()
  expect(backend.draws.at(-1)?.sampler.dialect).toBe('other')
  bench.speak('logitpeek')
  await settle()
  expect(backend.looks.at(-1)?.sampler).toEqual({ dialect: 'logitpeek', ...NEUTRAL, seed: bench.sampler.seed })
})
