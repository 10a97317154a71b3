// The river on a canvas: the geometry of river.ts, painted as RiverRow.svelte and RiverLanes.svelte look, which are what one sees as soon as there is time
// (chase.ts). Words are where the rows had them; numbers are drawn from the answer.
import type { Column } from './columns'
import { cutLines, end } from './ends'
import { logit, percent } from './format'
import { baseline, look, write, type Canvas, type Look } from './pen'
import type { Cut, Lane, Tail } from './river'
import type { Said } from './said'

/** Kinds of text; a cut row has its own where it differs. */
export const LOOKS = ['key', 'token', 'token-gone', 'number', 'above', 'above-gone', 'inside', 'inside-gone', 'final', 'final-gone', 'words'] as const
export const INKS = ['lane', 'cut', 'mark', 'line', 'hair', 'ink-3'] as const
export type Looks = Record<(typeof LOOKS)[number], Look>
export type Inks = Record<(typeof INKS)[number], string>

export interface Scene {
  lanes: readonly Lane[]
  cuts: readonly Cut[]
  tail: Tail | null
  columns: readonly Column[]
  /** Where the lanes begin, px. */
  left: number
  width: number
  narrow: boolean
  /** What is in sight of it, px from the top of the list. */
  top: number
  height: number
  /** What the row of a token says in words. */
  said: (id: number) => Said
  looks: Looks
  inks: Inks
}

/** `scale`: pixels of the screen in one of the page. The canvas is clear, and its first line is the scene's `top`. */
export function paint(g: Canvas, scene: Scene, scale: number): void {
  const { tail, top, height } = scene
  const lanes = scene.lanes.filter((lane) => lane.y < top + height && lane.y + lane.height > top)
  g.setTransform(scale, 0, 0, scale, 0, -scale * top)
  lines(g, lanes, scene)
  words(g, lanes, scene)
  numbers(g, lanes, scene)
  for (const lane of lanes) {
    g.setTransform(scale, 0, 0, scale, 0, scale * (lane.y + lane.height / 2 - top))
    g.globalAlpha = lane.ink
    g.fillStyle = lane.cut ? scene.inks.cut : scene.inks.lane
    g.fill(new Path2D(lane.path))
    g.globalAlpha = 1
    end(g, lane, scene)
  }
  if (tail) {
    g.setTransform(scale, 0, 0, scale, 0, scale * (tail.y + tail.height / 2 - top))
    rest(g, tail, scene)
  }
  g.setTransform(scale, 0, 0, scale, 0, -scale * top)
  inside(g, lanes, scene)
  cutLines(g, scene)
}

/** Below every row a hairline; at every column a line, dotted where nothing changes. */
function lines(g: Canvas, lanes: readonly Lane[], { columns, width, inks, top, height, tail }: Scene): void {
  g.fillStyle = inks.hair
  for (const lane of lanes) g.fillRect(0, lane.y + lane.height - 1, width, 1)
  const last = lanes.at(-1)
  const foot = Math.min(top + height, tail ? tail.y + tail.height : last ? last.y + last.height : 0)
  g.strokeStyle = inks.line
  g.lineWidth = 1
  for (const kind of ['full', 'tick'] as const) {
    g.setLineDash(kind === 'tick' ? [1, 4] : [])
    g.beginPath()
    for (const column of columns) {
      if (column.kind !== kind) continue
      g.moveTo(column.x, 0)
      g.lineTo(column.x, foot)
    }
    g.stroke()
  }
  g.setLineDash([])
}

const middle = (lane: { y: number; height: number }) => lane.y + lane.height / 2
const gone = (lane: Lane) => lane.row.cut_by !== null

function words(g: Canvas, lanes: readonly Lane[], { said, looks, inks }: Scene): void {
  g.textAlign = 'left'
  for (const lane of lanes) {
    const { runs, frames } = said(lane.row.id)
    for (const run of runs) {
      const own = looks[gone(lane) ? 'token-gone' : 'token']
      g.font = run.kind === 'token' || run.kind === 'edge' ? own.font : run.font
      g.fillStyle = run.kind === 'token' ? own.ink : run.kind === 'edge' ? inks['ink-3'] : run.ink
      write(g, run.kind === 'logit' ? logit(lane.row.logit) : run.text, run.x, middle(lane) + run.dy)
    }
    for (const frame of frames) {
      g.strokeStyle = frame.ink
      g.setLineDash(frame.dotted ? [1, 1] : [])
      g.beginPath()
      g.roundRect(frame.x + 0.5, middle(lane) + frame.dy + 0.5, frame.width - 1, frame.height - 1, Math.min(frame.round, frame.height / 2))
      g.stroke()
      g.setLineDash([])
    }
  }
}

/** Columns of a row, from the right edge of each, px before the lanes begin; as RiverRow.svelte has them. */
const RAW = 24
const LOGIT = 96

function numbers(g: Canvas, lanes: readonly Lane[], { looks, left, width, narrow }: Scene): void {
  look(g, looks.number)
  g.textAlign = 'right'
  let dy = baseline(g, looks.number)
  for (const lane of lanes) {
    if (!narrow) write(g, logit(lane.row.logit), left - LOGIT, middle(lane) + dy)
    write(g, percent(lane.row.prob_raw), left - RAW, middle(lane) + dy)
  }
  for (const cut of [false, true]) {
    const final = looks[cut ? 'final-gone' : 'final']
    look(g, final)
    dy = baseline(g, final)
    for (const lane of lanes) if (gone(lane) === cut) write(g, cut ? 'cut' : percent(lane.row.prob), width, middle(lane) + dy)
  }
  g.textAlign = 'left'
  if (!narrow) {
    look(g, looks.key)
    dy = baseline(g, looks.key)
    for (const lane of lanes) if (lane.row.rank <= 9) write(g, String(lane.row.rank), 0, middle(lane) + dy)
  }
  for (const cut of [false, true]) {
    look(g, looks[cut ? 'above-gone' : 'above'])
    for (const lane of lanes) if (gone(lane) === cut) for (const label of lane.labels) if (!label.inside) write(g, label.text, label.x, middle(lane) + label.dy)
  }
}

function inside(g: Canvas, lanes: readonly Lane[], { looks }: Scene): void {
  for (const lane of lanes) {
    for (const label of lane.labels) {
      if (!label.inside) continue
      look(g, looks[lane.cut ? 'inside-gone' : 'inside'])
      write(g, label.text, label.x, middle(lane) + label.dy)
    }
  }
}

/** Many tokens in one lane: hatched. */
function rest(g: Canvas, tail: Tail, scene: Scene): void {
  const { looks, inks } = scene
  const ink = tail.cut ? inks.cut : inks.lane
  g.save()
  g.clip(new Path2D(tail.path))
  const half = tail.thickness / 2
  g.fillStyle = g.strokeStyle = ink
  g.globalAlpha = tail.cut ? 0.35 : 0.3
  g.fillRect(0, -half, scene.width, 2 * half)
  g.globalAlpha = tail.cut ? 0.5 : 0.45
  g.lineWidth = 1
  g.beginPath()
  for (let y = 4 * Math.floor(-half / 4) + 2; y < half; y += 4) {
    g.moveTo(0, y)
    g.lineTo(scene.width, y)
  }
  g.stroke()
  g.restore()
  end(g, tail, scene)
  look(g, looks[tail.cut ? 'above-gone' : 'above'])
  for (const label of tail.labels) write(g, label.text, label.x, label.inside ? -half - 4 : label.dy)
}
