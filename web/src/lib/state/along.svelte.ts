// Numbers along the sentence, asked for once and shared by everybody who shows them.
import type { Backend, Place } from '../api/backend'
import type { PathAnswer } from '../api/wire'
import { Follow } from './follow.svelte'

/** Up to here everybody may ask at any time; longer sentences are for whoever looks at nothing else. */
export const SHORT = 600
/** The core shapes every place anew: about so many logits a millisecond. A pause as long as the answer keeps the way free for others. */
const LOGITS_PER_MS = 20_000
const LEAST_MS = 40
const MOST_MS = 1500

export const pauseFor = (tokens: number, vocabulary: number): number => Math.min(MOST_MS, Math.max(LEAST_MS, (tokens * vocabulary) / LOGITS_PER_MS))

export class Along {
  readonly #path: Follow<Place, PathAnswer>
  readonly #wait: (ms: number, run: () => void) => () => void
  #last: Place | null = null
  #cancel = () => {}

  constructor(backend: Pick<Backend, 'path'>, wait = timer) {
    this.#path = new Follow((place) => backend.path(place))
    this.#wait = wait
  }

  get answer(): PathAnswer | null {
    return this.#path.answer
  }
  get asked(): Place | null {
    return this.#path.asked
  }
  get problem(): string | null {
    return this.#path.problem
  }

  /** Called whenever the place changes, by as many as look on; asked once, when it has stood for a moment. */
  follow(place: Place, vocabulary: number): void {
    if (place === this.#last || place.tokens.length < 2) return
    this.#last = place
    this.#cancel()
    this.#cancel = this.#wait(pauseFor(place.tokens.length, vocabulary), () => this.#path.ask(place))
  }
}

function timer(ms: number, run: () => void): () => void {
  const id = setTimeout(run, ms)
  return () => clearTimeout(id)
}
