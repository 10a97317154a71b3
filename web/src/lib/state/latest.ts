// One request in flight, the latest one waiting, every other forgotten: a drag asks sixty times a second, the core
// answers as fast as it can, and the picture is never more than one answer behind.

export class LatestWins<Request> {
  readonly #run: (request: Request) => Promise<void>
  #waiting: { request: Request } | null = null
  #running = false

  /** `run` must not reject: what goes wrong is its own to show. */
  constructor(run: (request: Request) => Promise<void>) {
    this.#run = run
  }

  submit(request: Request): void {
    this.#waiting = { request }
    if (!this.#running) void this.#drain()
  }

  async #drain(): Promise<void> {
    this.#running = true
    while (this.#waiting) {
      const { request } = this.#waiting
      this.#waiting = null
      await this.#run(request)
    }
    this.#running = false
  }
}
