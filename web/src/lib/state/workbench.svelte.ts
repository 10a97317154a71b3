// What a person does: picks, draws, lets tokens come, goes back, branches. Everything the page knows is in this one object; components read it and
// call its methods. Below it: Asking, the exchange with the core, and Writing, what has been written.
import type { Draw, DrawMode, Row, StopReason, Token } from '../api/wire'
import { spoken } from '../view/bytes'
import { percent } from '../view/format'
import { Asking } from './asking.svelte'
import { STOPPED } from './problems'
import { same, type Pick } from './tree'

export { FIRST_PROMPT, FIRST_ROWS } from './asking.svelte'
export type { Pick } from './tree'

/** Tokens drawn with one frame, at most. */
const AT_ONCE = 128

/** Tokens that come by themselves. */
interface Stream {
  made: number
  of: number
  mode: DrawMode
}

export class Workbench extends Asking {
  generating = $state.raw<Stream | null>(null)
  #deeds: Promise<void> = Promise.resolve()
  #stop: AbortController | null = null

  pick(row: Row): void {
    if (!this.fresh) return // ranked for another sentence
    this.stop()
    this.note()
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
    await this.settle()
    if (this.tokens.length === 0) return null
    this.note()
    this.generating = { made: 0, of: n, mode }
    return this.#flow(delayMs)
  }

  /** The tokens that are coming come at another speed from now on. Draws are keyed by their position, so they are the same tokens. */
  pace(delayMs: number): void {
    if (!this.generating) return
    this.#stop?.abort()
    void this.#flow(delayMs)
  }

  stop(): void {
    this.#stop?.abort()
    this.#stop = null
    this.generating = null
  }

  /** What is still to come of the stream under way. */
  async #flow(delayMs: number): Promise<StopReason | null> {
    const { made, of, mode } = this.generating ?? { made: 0, of: 0, mode: 'sample' as const }
    const stop = (this.#stop = new AbortController())
    const standing = this.settings.recipe.seed
    const seed = mode === 'sample' ? this.seeds.free(standing, this.tokens.length) : standing
    if (seed !== standing) this.settings.set({ seed })
    let reason: StopReason | null = null
    // What comes between two frames is drawn together: a small model gives many tokens in the time one of them takes to be drawn.
    const come: Draw[] = []
    const take = () => {
      const draws = come.splice(0, AT_ONCE)
      if (come.length > 0) this.clock.frame(take)
      if (stop.signal.aborted || draws.length === 0) return
      if (mode === 'sample') draws.forEach((_, i) => this.seeds.note(seed, this.tokens.length + i))
      this.#append(...draws.map((draw) => pickOf(draw, mode)))
      this.generating = { made: (this.generating?.made ?? 0) + draws.length, of, mode }
    }
    await this.guard(async () => {
      try {
        reason = await this.backend.generate({ ...this.place, mode, n: of - made, delay_ms: delayMs }, (draw) => {
          if (come.push(draw) === 1) this.clock.frame(take)
        }, stop.signal)
      } finally {
        while (come.length > 0 && !stop.signal.aborted) await new Promise<void>((go) => this.clock.frame(go))
      }
    })
    if (this.#stop === stop) {
      this.announcement = `${this.generating?.made ?? 0} tokens. ${reason ? STOPPED[reason] : ''}`
      this.#stop = null
      this.generating = null
      void this.clockSpeed()
    }
    return reason
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
    const kept = this.moment()
    const { recipe } = this.settings
    return () => {
      this.note()
      this.settings.recipe = recipe
      this.stop()
      this.put(kept)
      this.refresh()
    }
  }

  undo(): void {
    this.#go('undo')
  }

  redo(): void {
    this.#go('redo')
  }

  /** Cuts a branch off, with all that follows. Undo brings it back. */
  remove(id: number): void {
    const { parent } = this.tree.node(id)
    if (parent === null) return
    this.stop()
    this.note()
    this.tree = this.tree.without(id)
    if (this.at !== null && !this.tree.has(this.at)) this.at = parent
    this.announcement = 'Branch removed.'
    this.refresh()
  }

  #draw(mode: DrawMode): Promise<void> {
    this.stop()
    // One deed after the other: three quick presses are three tokens, each drawn after the one before.
    this.#deeds = this.#deeds.then(() =>
      this.guard(async () => {
        await this.settle()
        const tokens = this.tokens
        if (this.typing || tokens.length === 0) return
        const standing = this.settings.recipe.seed
        const seed = mode === 'sample' ? this.seeds.free(standing, tokens.length) : standing
        const draw = await this.backend.draw({ ...this.place, sampler: { ...this.settings.wanted, seed }, mode })
        if (!same(tokens, this.tokens)) return // rewound or retyped meanwhile
        if (mode === 'sample') {
          this.seeds.note(seed, tokens.length)
          this.settings.set({ seed })
        }
        this.note()
        this.#append(pickOf(draw, mode))
        if (!this.status?.tokens_per_second) void this.clockSpeed()
      }),
    )
    return this.#deeds
  }

  #append(...picks: readonly Pick[]): void {
    const pick = picks.at(-1)
    if (!pick) return
    this.grow(...picks)
    const how = { hand: 'Picked', sample: 'Sampled', greedy: 'Greedy took', prompt: 'Read' }[pick.how]
    const odds = pick.probRaw === null ? '' : `: rank ${pick.rank}, ${percent(pick.probRaw)}`
    this.announcement = `${how} ${spoken(pick.token)}${odds}.${pick.end ? ' The model ends the text here.' : ''}`
    this.refresh()
  }

  #go(which: 'undo' | 'redo'): void {
    this.stop()
    if (!this.step(which)) return
    this.announcement = which === 'undo' ? 'Undone.' : 'Done again.'
    this.refresh()
  }

}

const tokenOf = ({ id, text, bytes_hex, special }: Token): Token =>
  special ? { id, text, bytes_hex, special } : { id, text, bytes_hex }

const pickOf = ({ token, u, seed }: Draw, how: DrawMode): Pick => ({
  token: tokenOf(token), how, rank: token.rank_raw, probRaw: token.prob_raw, prob: token.prob,
  surprisalBits: token.surprisal_bits ?? Infinity, seed: u === null ? null : seed, u, end: token.end,
})
