// Everything the page knows, in one place. Components read it and call its methods; only it talks to the backend.
import { Failure, type Backend } from '../api/backend'
import { NEUTRAL, type Dialect, type DrawMode, type Next, type Row, type Sampler, type Status, type Token, type Wanted } from '../api/wire'
import { spoken } from '../view/bytes'
import { percent } from '../view/format'
import { LatestWins } from './latest'
import { SeedLedger } from './seeds'

export interface Pick {
  token: Token
  how: DrawMode | 'hand'
  rank: number
  probRaw: number
  prob: number
  surprisalBits: number
  seed: number | null
  u: number | null
  end: boolean
}

/** `gone`: no answer; asked again until there is one. `prompt`: this context cannot be taken. `other`: said once. */
export interface Problem {
  about: 'gone' | 'prompt' | 'other'
  message: string
}

/** The answer on show and the context it belongs to. */
interface Picture {
  tokens: readonly number[]
  next: Next
}

interface Look {
  tokens: number[]
  prompt_length: number
  sampler: Wanted
  top: number
}

/** Timers are injected so that tests need not wait. */
export interface Clock {
  after(ms: number, run: () => void): () => void
}

const realClock: Clock = {
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

export const FIRST_PROMPT = 'Once upon a time, there was a little'
export const FIRST_ROWS = 20
const TYPING_PAUSE_MS = 160
const ASK_AGAIN_MS = 2000

export class Workbench {
  status = $state.raw<Status | null>(null)
  draft = $state(FIRST_PROMPT)
  applied = $state<string | null>(null)
  prompt = $state.raw<Token[]>([])
  picks = $state.raw<Pick[]>([])
  sampler = $state.raw<Sampler>(NEUTRAL)
  dialects = $state.raw<Dialect[]>([])
  dialectName = $state('logitpeek')
  rows = $state(FIRST_ROWS)
  picture = $state.raw<Picture | null>(null)
  problem = $state.raw<Problem | null>(null)
  announcement = $state('')
  /** Text has been typed that will become the prompt without being asked to. */
  typing = $state(false)

  readonly tokens: number[] = $derived([...this.prompt.map((t) => t.id), ...this.picks.map((p) => p.token.id)])
  /** The picture belongs to the sentence as it stands (its settings may be a moment old). */
  readonly fresh: boolean = $derived(!this.typing && this.picture !== null && same(this.picture.tokens, this.tokens))
  readonly next: Next | null = $derived(this.picture?.next ?? null)
  readonly lastPick: Pick | null = $derived(this.picks.at(-1) ?? null)
  readonly dialect: Dialect | null = $derived(this.dialects.find((d) => d.name === this.dialectName) ?? null)
  /** Where the knobs stand when nobody touched them. */
  readonly neutral: Sampler = $derived({ ...NEUTRAL, ...settingsOf(this.dialect?.sampler ?? {}) })
  /** Names of the settings that act. */
  readonly acts: readonly string[] = $derived(this.dialect?.settings ?? Object.keys(NEUTRAL))
  readonly draftPending: boolean = $derived(this.applied !== this.draft)

  readonly #backend: Backend
  readonly #clock: Clock
  readonly #seeds = new SeedLedger()
  readonly #looks = new LatestWins<Look>((look) => this.#look(look))
  readonly #texts = new LatestWins<string>((text) => this.#tokenize(text))
  #deeds: Promise<void> = Promise.resolve()
  #cancelTyping = () => {}
  #cancelAsking = () => {}

  constructor(backend: Backend, clock: Clock = realClock) {
    this.#backend = backend
    this.#clock = clock
  }

  async start(): Promise<void> {
    await this.#guard(async () => {
      const status = await this.#backend.status()
      if (this.dialects.length === 0) this.dialects = await this.#backend.dialects()
      const changed = this.status !== null && this.status.model.file !== status.model.file
      this.status = status
      if (this.problem?.about === 'gone') this.problem = null
      // Another model reads other ids: begin again from the text, which is all that carries over.
      if (changed || this.applied === null || this.typing) this.#texts.submit(this.draft)
      else this.#refresh()
    })
  }

  /** The text in the prompt field changed. Picks are not thrown away by typing: with picks it waits for apply(). */
  type(text: string): void {
    this.draft = text
    this.#cancelTyping()
    this.typing = this.picks.length === 0 && this.draftPending
    if (this.typing) this.#cancelTyping = this.#clock.after(TYPING_PAUSE_MS, () => this.apply())
  }

  /** Starts over from the text in the field. */
  apply(): void {
    this.#cancelTyping()
    this.#texts.submit(this.draft)
  }

  revertDraft(): void {
    if (this.applied !== null) this.type(this.applied)
  }

  pick(row: Row): void {
    if (!this.fresh) return // ranked for another sentence
    this.#append({
      token: tokenOf(row), how: 'hand', rank: row.rank_raw, probRaw: row.prob_raw, prob: row.prob,
      surprisalBits: row.surprisal_bits ?? Infinity, seed: null, u: null, end: row.id === this.status?.model.eos_id,
    })
  }

  sample(): Promise<void> {
    return this.#draw('sample')
  }

  greedy(): Promise<void> {
    return this.#draw('greedy')
  }

  undo(): void {
    if (this.picks.length > 0) this.rewind(this.picks.length - 1)
  }

  /** Back to the moment before pick `at` was made. */
  rewind(at: number): void {
    const gone = this.picks.length - at
    this.picks = this.picks.slice(0, at)
    this.announcement = gone === 1 ? 'Took back one token.' : `Took back ${gone} tokens.`
    this.#refresh()
  }

  set(change: Partial<Sampler>): void {
    const byHand = change.seed !== undefined
    this.sampler = { ...this.sampler, ...change }
    if (byHand) this.#seeds.forget()
    else this.#refresh()
  }

  /** The same knobs, in another engine's meaning and at its defaults. */
  speak(dialect: string): void {
    this.dialectName = dialect
    this.sampler = { ...this.neutral, seed: this.sampler.seed }
    this.announcement = `Settings now mean what they mean in ${dialect}, at its defaults.`
    this.#refresh()
  }

  show(rows: number): void {
    this.rows = rows
    this.#refresh()
  }

  retry(): void {
    this.#cancelAsking()
    void this.start()
  }

  #draw(mode: DrawMode): Promise<void> {
    // One deed after the other: three quick presses are three tokens, each drawn after the one before.
    this.#deeds = this.#deeds.then(() =>
      this.#guard(async () => {
        if (this.typing) {
          this.#cancelTyping() // what is drawn continues what was typed, even if the pause is not over
          await this.#tokenize(this.draft)
        }
        const tokens = this.tokens
        if (this.typing || tokens.length === 0) return
        const seed = mode === 'sample' ? this.#seeds.free(this.sampler.seed, tokens.length) : this.sampler.seed
        const draw = await this.#backend.draw({ tokens, prompt_length: this.prompt.length, sampler: { ...this.#wanted(), seed }, mode })
        if (!same(tokens, this.tokens)) return // rewound or retyped meanwhile
        if (mode === 'sample') {
          this.#seeds.note(seed, tokens.length)
          this.sampler = { ...this.sampler, seed }
        }
        const { token } = draw
        this.#append({
          token: tokenOf(token), how: mode, rank: token.rank_raw, probRaw: token.prob_raw, prob: token.prob,
          surprisalBits: token.surprisal_bits ?? Infinity, seed: draw.u === null ? null : draw.seed,
          u: draw.u, end: token.end,
        })
      }),
    )
    return this.#deeds
  }

  #append(pick: Pick): void {
    this.picks = [...this.picks, pick]
    const how = { hand: 'Picked', sample: 'Sampled', greedy: 'Greedy took' }[pick.how]
    this.announcement = `${how} ${spoken(pick.token)}: rank ${pick.rank}, ${percent(pick.probRaw)}.${pick.end ? ' The model ends the text here.' : ''}`
    this.#refresh()
  }

  #refresh(): void {
    if (this.tokens.length === 0) return
    this.#looks.submit({ tokens: this.tokens, prompt_length: this.prompt.length, sampler: this.#wanted(), top: this.rows })
  }

  /** Only what the dialect acts on: the rest would come back as ignored. */
  #wanted(): Wanted {
    const acting = Object.entries(this.sampler).filter(([name]) => this.acts.includes(name))
    return { dialect: this.dialectName, ...Object.fromEntries(acting) }
  }

  #look(look: Look): Promise<void> {
    return this.#guard(async () => {
      const next = await this.#backend.next({ ...look, trace: true })
      if (!same(look.tokens, this.tokens)) return
      this.picture = { tokens: look.tokens, next }
      this.problem = null
    })
  }

  #tokenize(text: string): Promise<void> {
    return this.#guard(async () => {
      const { tokens } = await this.#backend.tokenize(text)
      this.applied = text
      this.typing = this.typing && this.draftPending
      this.prompt = tokens
      this.picks = []
      this.#seeds.forget()
      if (tokens.length > 0) this.#refresh()
      else this.problem = { about: 'prompt', message: 'The prompt is empty: type at least one character to see what comes next.' }
    })
  }

  /** Runs one exchange; what goes wrong becomes a problem on show, and nothing that was typed or picked is lost. */
  async #guard(exchange: () => Promise<void>): Promise<void> {
    try {
      await exchange()
    } catch (error) {
      if (error instanceof Failure && error.kind === 'gone') {
        this.problem = { about: 'gone', message: 'No answer from logitpeek. Is it still running? Your text is kept.' }
        this.#cancelAsking()
        this.#cancelAsking = this.#clock.after(ASK_AGAIN_MS, () => this.retry())
      } else if (error instanceof Failure) {
        this.typing = false
        this.problem = { about: aboutPrompt(error) ? 'prompt' : 'other', message: error.message }
      } else {
        throw error
      }
    }
  }
}

/** Refusals that a different prompt would mend: a bad text, or a context that is empty or longer than the model's. */
const aboutPrompt = (failure: Failure) => failure.code === 'out_of_range' || /^\/(tokens|text)/.test(failure.field ?? '')

/** The settings there are knobs for. */
const settingsOf = (wanted: Partial<Wanted>): Partial<Sampler> =>
  Object.fromEntries(Object.entries(wanted).filter(([name, value]) => name in NEUTRAL && typeof value === 'number'))

const tokenOf = ({ id, text, bytes_hex, special }: Token): Token =>
  special ? { id, text, bytes_hex, special } : { id, text, bytes_hex }

const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((x, i) => x === b[i])
