// A question asked before anybody has set what it is about. A pointer on a slider moves some milliseconds before the browser tells the slider, which
// it does as a frame begins: asked at once, the answer is there for that frame; asked when the slider is told, for the next one.
import type { NextRequest } from '../api/backend'
import type { Clock } from './clock'
import { same } from './tree'

/** A slider follows its pointer within a frame or two. What is not set by then will not be. */
const SOON_MS = 100

export class Foresight {
  readonly #clock: Clock
  readonly #onopen: (open: boolean) => void
  readonly #missed: () => void
  /** The last question, if what it is about is not set yet. */
  #open: { look: NextRequest; at: number } | null = null
  #watching = false

  /** `onopen` is told whether something is foreseen; `missed` is called when it has not come: it must not stay on show. */
  constructor(clock: Clock, onopen: (open: boolean) => void, missed: () => void) {
    this.#clock = clock
    this.#onopen = onopen
    this.#missed = missed
  }

  expect(look: NextRequest): void {
    this.#open = { look, at: this.#clock.now() }
    this.#onopen(true)
    if (!this.#watching) this.#watch(SOON_MS)
  }

  /** Something was set, and this is the question about it. Whether it was the one foreseen, and has been asked. */
  meets(look: NextRequest): boolean {
    const met = this.#open !== null && alike(look, this.#open.look)
    this.#open = null
    this.#onopen(false)
    return met
  }

  #watch(ms: number): void {
    this.#watching = true
    this.#clock.after(ms, () => {
      this.#watching = false
      if (this.#open === null) return
      const left = this.#open.at + SOON_MS - this.#clock.now()
      if (left > 0) this.#watch(left)
      else this.#missed()
    })
  }
}

const alike = ({ tokens, ...a }: NextRequest, { tokens: others, ...b }: NextRequest) => same(tokens, others) && JSON.stringify(a) === JSON.stringify(b)
