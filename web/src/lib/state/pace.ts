/** A frame and a little. */
const FRAME_MS = 20

/**
 * How many pictures to ask for at a time, by how long answers took lately. Two while they come within a frame: the core makes the next while the page
 * draws one. One where they wait for a processor: a second question would wait, too, and take from the first, and both answers be older when they come.
 */
export class Pace {
  #ms = 0

  answered(ms: number): void {
    this.#ms += (ms - this.#ms) / 4
  }

  get abreast(): number {
    return this.#ms < FRAME_MS ? 2 : 1
  }
}
