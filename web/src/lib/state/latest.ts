// A request or two in flight, the latest one waiting, every other forgotten: a drag asks sixty times a second, the core
// answers as fast as it can, and the picture is never more than an answer or two behind.

/** What is to be done with an answer, once the next question is on its way: a core need not wait for a drawing. */
export type Show = () => void

export class LatestWins<Request> {
  readonly #run: (request: Request) => Promise<Show | void>
  readonly #onbusy: (busy: boolean) => void
  readonly #abreast: () => number
  #waiting: { request: Request } | null = null
  #running = 0
  #asked = 0
  #shown = 0

  /**
   * `run` must not reject: what goes wrong is its own to show. `onbusy` is told when a first question is asked, and when the last answer was shown.
   * `abreast`: how many may be asked at a time, now. An answer that a later one has overtaken is not shown.
   */
  constructor(run: (request: Request) => Promise<Show | void>, onbusy: (busy: boolean) => void = () => {}, abreast = () => 1) {
    this.#run = run
    this.#onbusy = onbusy
    this.#abreast = abreast
  }

  submit(request: Request): void {
    this.#waiting = { request }
    if (this.#running < this.#abreast()) void this.#ask()
  }

  async #ask(): Promise<void> {
    const asked = this.#waiting
    if (!asked) return
    this.#waiting = null
    const turn = ++this.#asked
    if (++this.#running === 1) this.#onbusy(true)
    const show = await this.#run(asked.request)
    // What waits goes first; it takes this one's place (unless fewer are to be asked by now), and the whole is busy all the while.
    const next = this.#waiting && this.#running <= this.#abreast() ? this.#ask() : null
    if (show && turn > this.#shown) {
      this.#shown = turn
      show()
    }
    this.#running--
    if (next) return
    if (this.#waiting && this.#running < this.#abreast()) void this.#ask()
    else if (this.#running === 0) this.#onbusy(false)
  }
}
