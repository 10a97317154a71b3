// One request in flight, the latest one waiting, every other forgotten: a drag asks sixty times a second, the core
// answers as fast as it can, and the picture is never more than one answer behind.

/** What is to be done with an answer, once the next question is on its way: a core need not wait for a drawing. */
export type Show = () => void

export class LatestWins<Request> {
  readonly #run: (request: Request) => Promise<Show | void>
  readonly #onbusy: (busy: boolean) => void
  #waiting: { request: Request } | null = null
  #running = false

  /** `run` must not reject: what goes wrong is its own to show. `onbusy` is told when a first question is asked, and when the last answer was shown. */
  constructor(run: (request: Request) => Promise<Show | void>, onbusy: (busy: boolean) => void = () => {}) {
    this.#run = run
    this.#onbusy = onbusy
  }

  submit(request: Request): void {
    this.#waiting = { request }
    if (!this.#running) void this.#drain()
  }

  async #drain(): Promise<void> {
    this.#running = true
    this.#onbusy(true)
    let show: Show | void = undefined
    while (this.#waiting || show) {
      const asked = this.#waiting
      this.#waiting = null
      const answer = asked ? this.#run(asked.request) : undefined
      show?.()
      show = await answer
    }
    this.#running = false
    this.#onbusy(false)
  }
}
