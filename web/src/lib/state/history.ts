// Undo and redo, as two piles of what was.

export class History<Moment> {
  #past: Moment[] = []
  #future: Moment[] = []
  readonly #depth: number

  constructor(depth = 100) {
    this.#depth = depth
  }

  /** Something is about to change: `now` is what it was. */
  note(now: Moment): void {
    this.#past.push(now)
    if (this.#past.length > this.#depth) this.#past.shift()
    this.#future = []
  }

  undo(now: Moment): Moment | null {
    const then = this.#past.pop()
    if (then === undefined) return null
    this.#future.push(now)
    return then
  }

  redo(now: Moment): Moment | null {
    const then = this.#future.pop()
    if (then === undefined) return null
    this.#past.push(now)
    return then
  }

  get canUndo(): boolean {
    return this.#past.length > 0
  }

  get canRedo(): boolean {
    return this.#future.length > 0
  }
}
