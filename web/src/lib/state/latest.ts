// One request in flight, the latest one waiting, every other forgotten: a drag asks sixty times a second, the core
// answers as fast as it can, and the picture is never more than one answer behind.

/** What is to be done with an answer, once the next question is on its way: a core need not wait for a drawing. */
export type Show = () => void

export class LatestWins<Request> {
  readonly #run: (request: Request) => Promise<Show | void>
  #waiting: { request: Request } | null = null
  #running = false

  /** `run` must not reject: what goes wrong is its own to show. */
  constructor(run: (request: Request) => Promise<Show | void>) {
    this.#run = run
  }

  submit(request: Request): void {
    this.#waiting = { request }
    if (!this.#running) void this.#drain()
  }

  async #drain(): Promise<void> {
    this.#running = true
    let show: Show | void = undefined
    while (this.#waiting) {
      const { request } = this.#waiting
      this.#waiting = null
      const answer = this.#run(request)
      show?.()
      show = await answer
    }
    this.#running = false
    show?.()
  }
}
