// Whether pictures follow each other faster than the eye takes to follow a lane from one to the next. Then the pictures themselves are the
// motion: lanes that glide behind every one of them would show numbers of the past, and cost the frames that the next picture needs.
import type { Clock } from './clock'

/** Less than a lane takes to glide to its place (--calm). */
const SOON_MS = 200
/** Lanes and their numbers follow every picture, what is read and not seen to move (sentences, heads of columns) as fast as it can be read. */
const READ_MS = 120
/** A hand that pauses goes on: switching costs the styles of all that glides. */
const REST_MS = 500

export class Hurry {
  on = $state(false)
  readonly #clock: Clock
  #last = -Infinity
  #said = -Infinity
  #cancel = () => {}
  #cancelSaying = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A hand has begun to drag: pictures will follow each other, from the first one on. */
  expect(): void {
    const now = this.#clock.now()
    if (this.on && now - this.#last < SOON_MS) return // told already: a hand says so with every move
    this.#last = now
    this.#keep()
    this.on = true
  }

  /** A new picture is about to be on show; `say` puts it into sentences. */
  picture(say: () => void): void {
    const now = this.#clock.now()
    this.on = now - this.#last < (this.on ? REST_MS : SOON_MS)
    this.#last = now
    this.#keep()
    this.#cancelSaying()
    const speak = () => {
      this.#said = this.#clock.now()
      say()
    }
    const wait = this.on ? this.#said + READ_MS - now : 0
    if (wait <= 0) speak()
    else this.#cancelSaying = this.#clock.after(wait, speak)
  }

  #keep(): void {
    this.#cancel()
    this.#cancel = this.#clock.after(REST_MS, () => (this.on = false))
  }
}
