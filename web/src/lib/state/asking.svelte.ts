// The exchange between what is written and a core: which text is read when, which picture is asked for, and what becomes of answers and refusals.
// What a person does with it is workbench.svelte.ts.
import { Failure, type Backend, type NextRequest, type Place } from '../api/backend'
import type { Next, Sampler, Settings, Status } from '../api/wire'
import { realClock, type Clock } from './clock'
import { Foresight } from './foresight'
import { Hurry } from './hurry.svelte'
import { LatestWins, type Show } from './latest'
import { Pace } from './pace'
import { EMPTY, GONE, refused, switched, type Problem } from './problems'
import { SamplerState } from './sampler.svelte'
import { SeedLedger } from './seeds'
import { given, same, Tree, type Pick } from './tree'
import { plainOf, readTurns, writeTurns } from './turns'
import { Writing } from './writing.svelte'

/** The answer on show and the context it belongs to. */
interface Picture {
  tokens: readonly number[]
  next: Next
}

export const FIRST_PROMPT = 'Once upon a time, there was a little'
export const FIRST_ROWS = 20
const TYPING_PAUSE_MS = 160
const ASK_AGAIN_MS = 2000

export abstract class Asking extends Writing {
  readonly settings = new SamplerState()
  override draft = $state(FIRST_PROMPT)
  status = $state.raw<Status | null>(null)
  rows = $state(FIRST_ROWS)
  picture = $state.raw<Picture | null>(null)
  /** The answer that sentences speak of: the picture's, or one a moment older. */
  told = $state.raw<Next | null>(null)
  problem = $state.raw<Problem | null>(null)
  announcement = $state('')
  /** What happened elsewhere and changed this page; there until it is put away. */
  notice = $state<string | null>(null)
  /** Text has been typed that will become the prompt without being asked to. */
  typing = $state(false)
  /** Somebody looks at rank against probability. */
  wantsCurve = $state(false)

  /** Answered, and drawn with the next frame. */
  #coming = $state.raw<Picture | null>(null)
  /** A picture is asked for, or its answer not handed on yet. */
  #looking = $state(false)
  /** Something is being asked, whatever it is. */
  #talking = $state(false)
  /** The last question was about what nobody has set yet. */
  #foreseeing = $state(false)

  /** Where a question about the next token is asked. */
  readonly place: Place = $derived({ tokens: this.tokens, prompt_length: this.promptLength, sampler: this.settings.wanted })
  /** The picture belongs to the sentence as it stands (its settings may be a moment old). */
  readonly fresh: boolean = $derived(!this.typing && this.picture !== null && same(this.picture.tokens, this.tokens))
  readonly next: Next | null = $derived(this.picture?.next ?? null)
  /** Nothing typed is unread, nothing asked unanswered and no answer undrawn: what stands on the page is what the core says now. */
  readonly resting: boolean = $derived(!this.typing && !this.#talking && !this.#looking && this.#coming === null && !this.#foreseeing && this.told === this.next)
  readonly sampler: Sampler = $derived(this.settings.usual)

  readonly backend: Backend
  readonly hurry: Hurry
  protected readonly seeds = new SeedLedger()
  protected readonly clock: Clock
  readonly #pace = new Pace()
  readonly #looks = new LatestWins<NextRequest>((look) => this.#look(look), (busy) => (this.#looking = busy), () => this.#pace.abreast)
  readonly #foresight: Foresight
  readonly #texts = new LatestWins<string>((text) => this.#tokenize(text))
  #exchanges = 0
  #cancelTyping = () => {}
  #cancelAsking = () => {}

  constructor(backend: Backend, clock: Clock = realClock) {
    super()
    this.backend = backend
    this.clock = clock
    this.hurry = new Hurry(clock)
    this.#foresight = new Foresight(clock, (open) => (this.#foreseeing = open), () => this.refresh())
  }

  /** Ends a stream under way. */
  abstract stop(): void

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
    this.problem = null
    return this.guard(async () => this.#serve(await this.backend.load(name), true))
  }

  #serve(status: Status, asked = false): void {
    const changed = this.status !== null && this.status.model.file !== status.model.file
    // Numbers that change by themselves need a word, unless it was this page that asked for the other model.
    if (asked) this.notice = null
    else if (changed) this.notice = switched(status.model.name, !this.untouched)
    this.status = status
    if (this.problem?.about === 'gone') this.problem = null
    if (this.asChat && !status.model.chat) {
      this.asChat = false
      this.draft = plainOf(this.draft)
    }
    // Another model reads other ids: begin again from the text, which is all that carries over.
    if (changed || this.applied === null || this.typing) this.#texts.submit(this.draft)
    else this.refresh()
  }

  /** The text in the prompt field changed. Picks are not thrown away by typing: with picks it waits for apply(). */
  type(text: string): void {
    this.#hush()
    this.draft = text
    this.#cancelTyping()
    this.typing = this.untouched && this.draftPending
    if (this.typing) this.#cancelTyping = this.clock.after(TYPING_PAUSE_MS, () => this.apply())
    else if (this.problem?.about === 'prompt') this.refresh() // back at the text before the one that was refused
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
    this.asChat = false
    this.draft = text
    return this.#tokenize(text)
  }

  /** The text as what a user says to an instruct model, in the model's own chat template; or plainly as it is. */
  converse(on: boolean): void {
    if (on === this.asChat) return
    this.#cancelTyping()
    this.stop()
    this.asChat = on
    this.draft = on ? writeTurns(readTurns(this.draft)) : plainOf(this.draft)
    this.#texts.submit(this.draft)
  }

  revertDraft(): void {
    if (this.applied !== null) this.type(this.applied)
  }

  /** The page as a lesson or an address wants it: a text, some settings, and what was picked after it. */
  async scene(scene: { prompt: string; chat?: boolean; dialect?: string; settings?: Settings; picks?: readonly Pick[] }): Promise<void> {
    this.#cancelTyping()
    this.stop()
    this.asChat = scene.chat === true && this.status?.model.chat === true
    this.draft = scene.prompt
    this.settings.recipe = { dialect: scene.dialect ?? 'logitpeek', given: scene.settings ?? {}, seed: this.settings.recipe.seed, order: null }
    await this.#tokenize(scene.prompt)
    for (const pick of scene.picks ?? []) this.grow(pick)
    this.refresh()
  }

  /** A whole tree, from an address or a file. */
  open(moment: { tree: Tree; at: number | null; prompt: string; chat: boolean }): void {
    this.note()
    this.asChat = moment.chat
    this.draft = moment.prompt
    this.hold(moment.prompt)
    this.tree = moment.tree
    this.at = moment.at
    this.seeds.forget()
    this.refresh()
  }

  override note(): void {
    super.note()
    this.#hush()
  }

  /** One goes on: what was only to be read has been. */
  #hush(): void {
    if (this.problem?.about === 'said') this.problem = null
  }

  set(change: Settings | Partial<Sampler>): void {
    this.#hush()
    const byHand = change.seed !== undefined
    this.settings.set(change as Settings)
    if (byHand) this.seeds.forget()
    else this.refresh()
  }

  /** The same settings, in another engine's meaning. */
  speak(dialect: string): void {
    this.#hush()
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
    const look = this.#lookAt(this.place)
    if (!this.#foresight.meets(look)) this.#looks.submit(look)
  }

  /** Asks what `change` will look like, which is about to be made. */
  foresee(change: Settings): void {
    if (this.tokens.length === 0) return
    const look = this.#lookAt({ ...this.place, sampler: this.settings.wantedWith(change) })
    this.#foresight.expect(look)
    this.#looks.submit(look)
  }

  #lookAt(place: Place): NextRequest {
    const ids = this.ahead[0] ? [this.ahead[0].pick.token.id] : []
    return { ...place, top: this.rows, trace: true, ...(ids.length ? { ids } : {}), ...(this.wantsCurve ? { curve: true } : {}) }
  }

  /** What was typed becomes the prompt now, even if the pause is not over. */
  protected async settle(): Promise<void> {
    if (!this.typing) return
    this.#cancelTyping()
    await this.#tokenize(this.draft)
  }

  /** How fast the model is now. Only a number to show: when nobody answers, the next question will say so. */
  protected async clockSpeed(): Promise<void> {
    const status = await this.backend.status().catch(() => null)
    if (status && status.model.file === this.status?.model.file) this.status = status
  }

  #look(look: NextRequest): Promise<Show | void> {
    return this.guard(async () => {
      const asked = this.clock.now()
      const next = await this.backend.next(look)
      this.#pace.answered(this.clock.now() - asked)
      return () => this.#frame({ tokens: look.tokens, next })
    })
  }

  /** Drawn with the next frame: what arrives between two frames is drawn once, and what a pointer does meanwhile finds a page that is laid out. */
  #frame(picture: Picture): void {
    const first = this.#coming === null
    this.#coming = picture
    if (!first) return
    this.clock.frame(() => {
      const coming = this.#coming
      this.#coming = null
      if (coming) this.#picture(coming.tokens, coming.next)
    })
  }

  #picture(tokens: readonly number[], next: Next): void {
    if (!same(tokens, this.tokens)) return
    // Somebody else, another tab perhaps, had the server load another model: these tokens were other words to it.
    if (this.status && next.model !== null && next.model !== this.status.model.name) return this.retry()
    this.picture = { tokens, next }
    this.hurry.picture(() => (this.told = next))
    if (this.problem?.about !== 'said') this.problem = null
  }

  #tokenize(text: string): Promise<void> {
    return this.guard(async () => {
      const chat = this.asChat && this.status?.model.chat === true
      const { tokens } = await (chat ? this.backend.chat(readTurns(text)) : this.backend.tokenize(text))
      // Typing on is no step of its own; leaving picks or another text behind is.
      if (this.applied !== null && (!this.typing || !this.untouched)) this.note()
      this.hold(text)
      this.typing = this.typing && this.draftPending
      ;({ tree: this.tree, at: this.at } = Tree.of(tokens.map(given)))
      this.seeds.forget()
      if (tokens.length > 0) this.refresh()
      else this.problem = EMPTY
    })
  }

  /** Runs one exchange; what goes wrong becomes a problem on show, and nothing that was typed or picked is lost. */
  async guard<T = void>(exchange: () => Promise<T>): Promise<T | undefined> {
    this.#talking = ++this.#exchanges > 0
    try {
      return await exchange()
    } catch (error) {
      if (error instanceof Failure && error.kind === 'gone') {
        this.problem = GONE
        this.#cancelAsking()
        this.#cancelAsking = this.clock.after(ASK_AGAIN_MS, () => this.retry())
      } else if (error instanceof Failure) {
        this.typing = false
        // A refusal may be another model's, to whom these tokens are nothing: then the text is read anew.
        const status = await this.backend.status().catch(() => null)
        if (status && this.status && status.model.file !== this.status.model.file) this.#serve(status)
        else this.problem = refused(error)
      } else {
        throw error
      }
      return undefined
    } finally {
      this.#talking = --this.#exchanges > 0
    }
  }
}
