// Everything the page knows, in one place. Components read it and call its methods; only it talks to the backend.
import { Failure, type Backend, type NextRequest, type Place } from '../api/backend'
import type { Draw, DrawMode, Next, Row, Sampler, Settings, Status, StopReason, Token } from '../api/wire'
import { spoken } from '../view/bytes'
import { percent } from '../view/format'
import { History } from './history'
import { LatestWins } from './latest'
import { SamplerState } from './sampler.svelte'
import { SeedLedger } from './seeds'
import { given, Tree, type Pick, type TreeNode } from './tree'

export type { Pick } from './tree'

/** `gone`: no answer; asked again until there is one. `prompt`: this context cannot be taken. `other`: said once. */
export interface Problem {
  about: 'gone' | 'prompt' | 'other'
  message: string
  /** JSON pointer of what was refused, where it was one thing. */
  field?: string | null
}

/** The answer on show and the context it belongs to. */
interface Picture {
  tokens: readonly number[]
  next: Next
}

/** What undo brings back. */
interface Moment {
  tree: Tree
  at: number | null
  applied: string | null
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
  readonly settings = new SamplerState()
  status = $state.raw<Status | null>(null)
  draft = $state(FIRST_PROMPT)
  applied = $state<string | null>(null)
  tree = $state.raw<Tree>(Tree.empty)
  /** The node one stands on: the last token of the context. */
  at = $state<number | null>(null)
  rows = $state(FIRST_ROWS)
  picture = $state.raw<Picture | null>(null)
  problem = $state.raw<Problem | null>(null)
  announcement = $state('')
  /** Text has been typed that will become the prompt without being asked to. */
  typing = $state(false)
  /** The prompt goes through the model's chat template. */
  asChat = $state(false)
  /** Tokens are coming by themselves. */
  generating = $state.raw<{ made: number; of: number } | null>(null)
  canUndo = $state(false)
  canRedo = $state(false)
  /** Somebody looks at rank against probability. */
  wantsCurve = $state(false)

  /** From the first token to the one we stand on. */
  readonly path: readonly TreeNode[] = $derived(this.tree.path(this.at))
  /** What follows where one last went. */
  readonly ahead: readonly TreeNode[] = $derived(this.tree.ahead(this.at))
  /** How many tokens the prompt has, wherever one stands. */
  readonly promptTokens: number = $derived(this.tree.nodes().filter((node) => node.pick.how === 'prompt').length)
  readonly tokens: readonly number[] = $derived(this.path.map((node) => node.pick.token.id))
  readonly promptLength: number = $derived(leading(this.path))
  readonly prompt: readonly Token[] = $derived(this.path.slice(0, this.promptLength).map((node) => node.pick.token))
  readonly picks: readonly Pick[] = $derived(this.path.slice(this.promptLength).map((node) => node.pick))
  readonly lastPick: Pick | null = $derived(this.picks.at(-1) ?? null)
  /** Where a question about the next token is asked. */
  readonly place: Place = $derived({ tokens: this.tokens, prompt_length: this.promptLength, sampler: this.settings.wanted })
  /** The picture belongs to the sentence as it stands (its settings may be a moment old). */
  readonly fresh: boolean = $derived(!this.typing && this.picture !== null && same(this.picture.tokens, this.tokens))
  readonly next: Next | null = $derived(this.picture?.next ?? null)
  readonly sampler: Sampler = $derived(this.settings.usual)
  readonly draftPending: boolean = $derived(this.applied !== this.draft)

  readonly backend: Backend
  readonly #clock: Clock
  readonly #seeds = new SeedLedger()
  readonly #history = new History<Moment>()
  readonly #looks = new LatestWins<NextRequest>((look) => this.#look(look))
  readonly #texts = new LatestWins<string>((text) => this.#tokenize(text))
  #deeds: Promise<void> = Promise.resolve()
  #stop: AbortController | null = null
  #cancelTyping = () => {}
  #cancelAsking = () => {}

  constructor(backend: Backend, clock: Clock = realClock) {
    this.backend = backend
    this.#clock = clock
  }

  /** Asks who is there; `open` may put the page into a state of its own before the first text is read, and says whether it did. */
  async start(open?: () => Promise<boolean>): Promise<void> {
    await this.guard(async () => {
      const status = await this.backend.status()
      if (this.settings.dialects.length === 0) this.settings.know(await this.backend.dialects())
      if (open && this.status === null) {
        this.status = status
        if (await open()) return
      }
      this.#serve(status)
    })
  }

  /** Another model from now on. What was typed stays; its tokens are read anew, for ids mean something else there. */
  load(name: string): Promise<void> {
    this.stop()
    return this.guard(async () => this.#serve(await this.backend.load(name)))
  }

  #serve(status: Status): void {
    const changed = this.status !== null && this.status.model.file !== status.model.file
    this.status = status
    if (this.problem?.about === 'gone') this.problem = null
    // Another model reads other ids: begin again from the text, which is all that carries over.
    if (changed || this.applied === null || this.typing) this.#texts.submit(this.draft)
    else this.refresh()
  }

  /** The text in the prompt field changed. Picks are not thrown away by typing: with picks it waits for apply(). */
  type(text: string): void {
    this.draft = text
    this.#cancelTyping()
    const untouched = this.tree.nodes().every((node) => node.pick.how === 'prompt')
    this.typing = untouched && this.draftPending
    if (this.typing) this.#cancelTyping = this.#clock.after(TYPING_PAUSE_MS, () => this.apply())
  }

  /** Starts over from the text in the field. */
  apply(): void {
    this.#cancelTyping()
    this.stop()
    this.#texts.submit(this.draft)
  }

  /** Another text to begin with; undo brings the old one back. */
  begin(text: string): Promise<void> {
    this.#cancelTyping()
    this.stop()
    this.draft = text
    return this.#tokenize(text)
  }

  /** The text as what a user says to an instruct model, in the model's own chat template; or plainly as it is. */
  converse(on: boolean): void {
    this.asChat = on
    this.apply()
  }

  revertDraft(): void {
    if (this.applied !== null) this.type(this.applied)
  }

  /** The page as a lesson or an address wants it: a text, some settings, and what was picked after it. */
  async scene(scene: { prompt: string; dialect?: string; settings?: Settings; picks?: readonly Pick[] }): Promise<void> {
    this.#cancelTyping()
    this.stop()
    this.draft = scene.prompt
    this.settings.recipe = { dialect: scene.dialect ?? 'logitpeek', given: scene.settings ?? {}, seed: this.settings.recipe.seed, order: null }
    await this.#tokenize(scene.prompt)
    for (const pick of scene.picks ?? []) ({ tree: this.tree, at: this.at } = this.tree.grow(this.at, pick))
    this.refresh()
  }

  /** A whole tree, from an address or a file. */
  open(moment: { tree: Tree; at: number | null; prompt: string }): void {
    this.#note()
    this.draft = this.applied = moment.prompt
    this.tree = moment.tree
    this.at = moment.at
    this.#seeds.forget()
    this.refresh()
  }

  pick(row: Row): void {
    if (!this.fresh) return // ranked for another sentence
    this.stop()
    this.#note()
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

  /** n tokens, one after the other, until something says stop. */
  async generate(n: number, mode: DrawMode = 'sample', delayMs = 0): Promise<StopReason | null> {
    this.stop()
    await this.#settle()
    if (this.tokens.length === 0) return null
    const stop = (this.#stop = new AbortController())
    this.#note()
    this.generating = { made: 0, of: n }
    const seed = mode === 'sample' ? this.#seeds.free(this.settings.recipe.seed, this.tokens.length) : this.settings.recipe.seed
    if (mode === 'sample') this.settings.set({ seed })
    let reason: StopReason | null = null
    await this.guard(async () => {
      reason = await this.backend.generate({ ...this.place, mode, n, delay_ms: delayMs }, (draw) => {
        if (stop.signal.aborted) return
        if (mode === 'sample') this.#seeds.note(seed, this.tokens.length)
        this.#append(pickOf(draw, mode))
        this.generating = { made: (this.generating?.made ?? 0) + 1, of: n }
      }, stop.signal)
    })
    if (this.#stop === stop) {
      this.#stop = null
      const made = this.generating?.made ?? 0
      this.announcement = `${made} tokens. ${reason ? STOPPED[reason] : ''}`
      this.generating = null
    }
    return reason
  }

  stop(): void {
    this.#stop?.abort()
    this.#stop = null
    this.generating = null
  }

  /** To stand on a node: the distribution after it. */
  stand(id: number): void {
    this.stop()
    this.tree = this.tree.visit(id)
    this.at = id
    this.announcement = `Standing after ${spoken(this.tree.node(id).pick.token)}.`
    this.refresh()
  }

  /** To the moment before a token: what it was chosen from. The first token of a text was chosen from nothing. */
  standBefore(id: number): void {
    const { parent } = this.tree.node(id)
    if (parent !== null) this.stand(parent)
  }

  /** One token back; what was there stays, one step ahead. */
  back(): void {
    const node = this.at === null ? null : this.tree.node(this.at)
    if (!node || node.parent === null) return
    this.stand(node.parent)
    this.announcement = 'Took back one token.'
  }

  forward(): void {
    const next = this.ahead[0]
    if (next) this.stand(next.id)
  }

  /** Keeps text, branches and settings as they are now; the answer brings them back. */
  keep(): () => void {
    const kept = this.#moment()
    const { recipe } = this.settings
    return () => {
      this.#note()
      this.settings.recipe = recipe
      this.#return(kept)
    }
  }

  undo(): void {
    this.#return(this.#history.undo(this.#moment()))
  }

  redo(): void {
    this.#return(this.#history.redo(this.#moment()))
  }

  /** Cuts a branch off, with all that follows. Undo brings it back. */
  remove(id: number): void {
    const { parent } = this.tree.node(id)
    if (parent === null) return
    this.stop()
    this.#note()
    this.tree = this.tree.without(id)
    if (this.at !== null && !this.tree.has(this.at)) this.at = parent
    this.announcement = 'Branch removed.'
    this.refresh()
  }

  name(id: number, name: string): void {
    this.#note()
    this.tree = this.tree.named(id, name)
  }

  set(change: Settings | Partial<Sampler>): void {
    const byHand = change.seed !== undefined
    this.settings.set(change as Settings)
    if (byHand) this.#seeds.forget()
    else this.refresh()
  }

  /** The same settings, in another engine's meaning. */
  speak(dialect: string): void {
    this.settings.speak(dialect)
    this.announcement = `Settings now mean what they mean in ${dialect}; what you did not set is its default.`
    this.refresh()
  }

  show(rows: number): void {
    this.rows = rows
    this.refresh()
  }

  retry(): void {
    this.#cancelAsking()
    void this.start()
  }

  refresh(): void {
    if (this.tokens.length === 0) return
    const ids = this.ahead[0] ? [this.ahead[0].pick.token.id] : []
    this.#looks.submit({ ...this.place, top: this.rows, trace: true, ...(ids.length ? { ids } : {}), ...(this.wantsCurve ? { curve: true } : {}) })
  }

  /** What was typed becomes the prompt now, even if the pause is not over. */
  async #settle(): Promise<void> {
    if (!this.typing) return
    this.#cancelTyping()
    await this.#tokenize(this.draft)
  }

  #draw(mode: DrawMode): Promise<void> {
    this.stop()
    // One deed after the other: three quick presses are three tokens, each drawn after the one before.
    this.#deeds = this.#deeds.then(() =>
      this.guard(async () => {
        await this.#settle()
        const tokens = this.tokens
        if (this.typing || tokens.length === 0) return
        const standing = this.settings.recipe.seed
        const seed = mode === 'sample' ? this.#seeds.free(standing, tokens.length) : standing
        const draw = await this.backend.draw({ ...this.place, sampler: { ...this.settings.wanted, seed }, mode })
        if (!same(tokens, this.tokens)) return // rewound or retyped meanwhile
        if (mode === 'sample') {
          this.#seeds.note(seed, tokens.length)
          this.settings.set({ seed })
        }
        this.#note()
        this.#append(pickOf(draw, mode))
      }),
    )
    return this.#deeds
  }

  #append(pick: Pick): void {
    ;({ tree: this.tree, at: this.at } = this.tree.grow(this.at, pick))
    const how = { hand: 'Picked', sample: 'Sampled', greedy: 'Greedy took', prompt: 'Read' }[pick.how]
    const odds = pick.probRaw === null ? '' : `: rank ${pick.rank}, ${percent(pick.probRaw)}`
    this.announcement = `${how} ${spoken(pick.token)}${odds}.${pick.end ? ' The model ends the text here.' : ''}`
    this.refresh()
  }

  #look(look: NextRequest): Promise<void> {
    return this.guard(async () => {
      const next = await this.backend.next(look)
      if (!same(look.tokens, this.tokens)) return
      this.picture = { tokens: look.tokens, next }
      this.problem = null
    })
  }

  #tokenize(text: string): Promise<void> {
    return this.guard(async () => {
      const chat = this.asChat && this.status?.model.chat === true
      const { tokens } = await (chat ? this.backend.chat([{ role: 'user', content: text }]) : this.backend.tokenize(text))
      // Typing on is no step of its own; leaving picks or another text behind is.
      if (this.applied !== null && (!this.typing || this.tree.nodes().some((node) => node.pick.how !== 'prompt'))) this.#note()
      this.applied = text
      this.typing = this.typing && this.draftPending
      ;({ tree: this.tree, at: this.at } = Tree.of(tokens.map(given)))
      this.#seeds.forget()
      if (tokens.length > 0) this.refresh()
      else this.problem = { about: 'prompt', message: 'The prompt is empty: type at least one character to see what comes next.' }
    })
  }

  #moment(): Moment {
    return { tree: this.tree, at: this.at, applied: this.applied }
  }

  #note(): void {
    this.#history.note(this.#moment())
    this.#count()
  }

  #return(moment: Moment | null): void {
    if (!moment) return
    this.stop()
    if (moment.applied !== this.applied) this.draft = moment.applied ?? this.draft // else what is being typed stays
    ;({ tree: this.tree, at: this.at, applied: this.applied } = moment)
    this.#count()
    this.refresh()
  }

  #count(): void {
    this.canUndo = this.#history.canUndo
    this.canRedo = this.#history.canRedo
  }

  /** Runs one exchange; what goes wrong becomes a problem on show, and nothing that was typed or picked is lost. */
  async guard(exchange: () => Promise<void>): Promise<void> {
    try {
      await exchange()
    } catch (error) {
      if (error instanceof Failure && error.kind === 'gone') {
        this.problem = { about: 'gone', message: 'No answer from logitpeek. Is it still running? Your text is kept.' }
        this.#cancelAsking()
        this.#cancelAsking = this.#clock.after(ASK_AGAIN_MS, () => this.retry())
      } else if (error instanceof Failure) {
        this.typing = false
        this.problem = { about: aboutPrompt(error) ? 'prompt' : 'other', message: error.message, field: error.field }
      } else {
        throw error
      }
    }
  }
}

const STOPPED: Record<StopReason, string> = {
  length: 'That was all that was asked for.',
  end_of_text: 'The model ended the text.',
  context_full: 'The context is full.',
  cancelled: 'Stopped.',
}

/** Refusals that a different prompt would mend: a bad text, or a context that is empty or longer than the model's. */
const aboutPrompt = (failure: Failure) => failure.code === 'out_of_range' || /^\/(tokens|text)/.test(failure.field ?? '')

const tokenOf = ({ id, text, bytes_hex, special }: Token): Token =>
  special ? { id, text, bytes_hex, special } : { id, text, bytes_hex }

const pickOf = ({ token, u, seed }: Draw, how: DrawMode): Pick => ({
  token: tokenOf(token), how, rank: token.rank_raw, probRaw: token.prob_raw, prob: token.prob,
  surprisalBits: token.surprisal_bits ?? Infinity, seed: u === null ? null : seed, u, end: token.end,
})

/** How many tokens of a path are the prompt. */
function leading(path: readonly TreeNode[]): number {
  const first = path.findIndex((node) => node.pick.how !== 'prompt')
  return first < 0 ? path.length : first
}

const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((x, i) => x === b[i])
