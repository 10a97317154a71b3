// While a slider is dragged, pictures of one place follow each other faster than rows of text can be laid out and painted: twenty rows and their
// lanes cost 10 of the 17 ms a frame has, a canvas that shows the same 2. So the rows keep what they showed, unseen, and the canvas
// (brush.ts) draws what comes; as soon as there is time, or somebody goes to the rows, they show it themselves.
import type { Next } from '../api/wire'
import { percent } from './format'
import { penalised, type Lane, type River } from './river'

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

/** Rows that a browser draws anew as fast as the canvas draws all: a penalty, say, changes few of them. */
const FEW = 4

const told = (lane: Lane) => `${lane.row.id} ${lane.y} ${lane.path} ${percent(lane.row.prob)} ${lane.labels.map((label) => label.text).join(' ')}`

/** How many rows look otherwise in `b` than in `a`. */
export function changed(a: River, b: River): number {
  return b.lanes.filter((lane, i) => {
    const old = a.lanes[i]
    return old !== lane && (!old || told(old) !== told(lane))
  }).length
}

/** What the rows show, as time goes by. */
export class Kept<Picture extends { next: Next; view: River }> {
  #kept: Picture | null = null
  #holding = false

  /** `hold`: nobody needs the rows themselves at the moment. */
  after(picture: Picture, hold: boolean): Picture {
    const kept = this.#kept
    if (hold && kept && sameWords(kept.next, picture.next) && (this.#holding || changed(kept.view, picture.view) > FEW)) {
      this.#holding = true
      return kept
    }
    this.#holding = false
    return (this.#kept = picture)
  }
}
