// While a slider is dragged, pictures of one place follow each other faster than rows of text can be laid out and painted: twenty rows and their
// lanes cost 10 of the 17 ms a frame has, a canvas that shows the same 2. So the rows keep what they showed, unseen, and the canvas
// (brush.ts) draws what comes; as soon as there is time, or somebody goes to the rows, they show it themselves.
import type { Next } from '../api/wire'
import { penalised } from './river'

/** A longer list is not kept: it exists only near the window (sight.ts), and what comes into sight has to be made first. */
const MANY = 150

/** The numbers of `next` can be drawn beside the words that the rows of `kept` have: the same tokens, in whichever order. */
export function sameWords(kept: Next, next: Next): boolean {
  if (kept.logits_hash !== next.logits_hash || kept.tokens.length !== next.tokens.length || next.tokens.length > MANY) return false
  const before = new Map(kept.tokens.map((row) => [row.id, row]))
  return next.tokens.every((row) => {
    const old = before.get(row.id)
    return old !== undefined && penalised(old) === penalised(row)
  })
}

/** What the rows show, as time goes by. */
export class Kept<Picture extends { next: Next }> {
  #kept: Picture | null = null

  /** `hold`: nobody needs the rows themselves at the moment. */
  after(picture: Picture, hold: boolean): Picture {
    if (hold && this.#kept && sameWords(this.#kept.next, picture.next)) return this.#kept
    return (this.#kept = picture)
  }
}
