// Which lanes are worth drawing anew. A long list exists only near the window; and while pictures of one place chase each other, lanes out
// of sight keep what they showed until there is time.
import type { Lane } from './river'

/** Above this many, only lanes near the window exist. */
const MANY = 150
const NEAR = 600
/** Beyond the window's edges, px: lanes that may come into sight before the next picture. */
const SIGHT = 160

export class Sight {
  #kept: readonly Lane[] = []
  #place = ''

  /**
   * `top` and `height`: the window, in the list's own px. `place`: what tells one sentence from another. `rest`: there is time for all of them.
   */
  lanes(all: readonly Lane[], { top, height, place, rest }: { top: number; height: number; place: string; rest: boolean }): readonly Lane[] {
    const within = (lane: Lane, margin: number) => lane.y + lane.height > top - margin && lane.y < top + height + margin
    const near = all.length <= MANY ? all : all.filter((lane) => within(lane, NEAR))
    const moved = place !== this.#place
    this.#place = place
    if (moved || rest) return (this.#kept = near)
    const before = new Map(this.#kept.map((lane) => [lane.row.id, lane]))
    return (this.#kept = near.map((lane) => {
      const old = before.get(lane.row.id)
      return !old || within(lane, SIGHT) || within(old, SIGHT) ? lane : old
    }))
  }
}
