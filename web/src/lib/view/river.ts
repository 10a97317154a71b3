// The geometry of the river: one lane a token, its width at a column the token's probability there, all at one scale,
// so that lanes can be compared with each other, with the tail, and with the last picture. The scale may be chosen, never a lane's own.
import { area, curveBumpX } from 'd3-shape'
import type { CutBy, Next, Rest, Row } from '../api/wire'
import type { Column } from './columns'
import { percent } from './format'
import { cutWords, tailWords } from './words'

/** How wide a probability is drawn: to scale, or so that the small ones can be seen. */
export type Widths = 'linear' | 'root' | 'log'
export const WIDTHS: readonly Widths[] = ['linear', 'root', 'log']

/** Decades of probability that the logarithmic scale tells apart; below them a lane is a hairline. */
const DECADES = 6

export interface Scale {
  widths: Widths
  /** Height of a lane that holds all the probability, px. */
  full: number
  /** Least height of a row, px: text, and a finger. */
  row: number
  /** Numbers above the lanes at each column. */
  labels: boolean
  /** Room for the words at a cut, px. */
  cut: number
}

const FULL: Record<Widths, number> = { linear: 104, root: 60, log: 28 }
const FULL_NARROW: Record<Widths, number> = { linear: 84, root: 52, log: 32 }

export const wide = (widths: Widths): Scale => ({ widths, full: FULL[widths], row: 31, labels: true, cut: 31 })
export const narrow = (widths: Widths): Scale => ({ widths, full: FULL_NARROW[widths], row: 42, labels: false, cut: 46 })

/** The width of a probability, px; from 0 to `full`. */
export function widthOf(p: number, { widths, full }: Pick<Scale, 'widths' | 'full'>): number {
  if (p <= 0) return 0
  if (widths === 'root') return full * Math.sqrt(p)
  if (widths === 'log') return full * Math.max(0, 1 + Math.log10(p) / DECADES)
  return full * p
}

export interface Label {
  x: number
  /** Offset of the baseline from the lane's middle. */
  dy: number
  text: string
  inside: boolean
}

export interface Shape {
  path: string
  /** 0..1: below one pixel a lane cannot get thinner, so it gets paler instead. */
  ink: number
  labels: Label[]
  /** Where a cut lane stops: dotted from, cross at. */
  cut: { from: number; x: number } | null
  thickness: number
}

export interface Lane extends Shape {
  row: Row
  y: number
  height: number
}

export interface Cut {
  stage: CutBy
  /** The column whose stage cuts, where the crosses stand. */
  x: number
  y: number
  height: number
  words: string
}

export interface Tail extends Shape {
  rest: Rest
  y: number
  height: number
  words: string | null
}

export interface River {
  lanes: Lane[]
  cuts: Cut[]
  tail: Tail | null
  height: number
}

/** A number's height above its baseline, and a little air, px. */
const LABEL_ROOM = 11
/** Lanes at least this thick carry their numbers inside. */
const INSIDE = 17
const LEAD_IN = 10
/** Rows grow by this, px. */
const STEP = 3
/** A lane keeps its width for this part of the way to the next column, where the numbers stand, then bends. */
const HOLD = 0.42

export function river(next: Next, columns: readonly Column[], scale: Scale): River {
  const lanes: Lane[] = []
  const cuts: Cut[] = []
  let y = 0
  let by: CutBy | null = null
  for (const row of next.tokens) {
    if (row.cut_by !== null && row.cut_by !== by) {
      const x = columns.find((column) => column.key === row.cut_by)?.x ?? 0
      cuts.push({ stage: row.cut_by, x, y, height: scale.cut, words: cutWords(next, row.cut_by) })
      y += scale.cut
    }
    by = row.cut_by
    const shape = lane(rowProbs(row), columns, scale)
    const height = rowHeight(shape, scale)
    lanes.push({ ...shape, row, y, height })
    y += height
  }
  const tail = next.rest.n > 0 ? tailOf(next, columns, scale, y) : null
  return { lanes, cuts, tail, height: y + (tail?.height ?? 0) }
}

/** The penalty changed this token's own logit; others move only because it did. */
export const penalised = (row: Row): boolean => row.rank_raw !== row.rank && row.journey?.[0] != null && row.journey[0].logit !== row.logit

/** Probabilities at every column: raw, after each stage, final. Null from the stage that cut the token on. */
export function rowProbs(row: Row): (number | null)[] {
  const after = (row.journey ?? []).map((point) => point?.prob ?? null)
  return [row.prob_raw, ...after, row.cut_by === null ? row.prob : null]
}

function tailOf(next: Next, columns: readonly Column[], scale: Scale, y: number): Tail {
  const { rest } = next
  const after = (rest.journey ?? []).map((point) => (point.n > 0 ? point.prob : null))
  const shape = lane([rest.prob_raw, ...after, rest.n_kept > 0 ? rest.prob : null], columns, scale)
  const words = tailWords(next)
  return { ...shape, rest, y, words, height: rowHeight(shape, scale) + 10 }
}

/** Room for the lane and for the numbers above it, wherever they stand; in steps, so that a lane may swell a little before all below it moves. */
function rowHeight({ thickness, labels }: Shape, scale: Scale): number {
  const up = Math.max(0, ...labels.map((label) => (label.inside ? 0 : -label.dy + LABEL_ROOM)))
  return scale.row + STEP * Math.max(0, Math.ceil((2 * Math.max(thickness / 2 + 4, up) - scale.row) / STEP))
}

const shape = area<[number, number]>()
  .x((p) => round(p[0]))
  .y0((p) => round(-p[1] / 2))
  .y1((p) => round(p[1] / 2))
  .curve(curveBumpX)

function lane(probs: readonly (number | null)[], columns: readonly Column[], scale: Scale): Shape {
  const cutAt = probs.indexOf(null)
  const last = cutAt < 0 ? columns.length - 1 : cutAt - 1
  const points: [number, number][] = []
  let thickness = 0
  let stop = 0
  columns.forEach((column, j) => {
    // Every lane has the same number of points, so that one shape can turn into another: at ticks, where nothing changes,
    // and after its end, a lane's points are folded into the last place it was drawn to.
    const drawn = j <= last && column.kind !== 'tick'
    const t = tenth(Math.max(1, widthOf(probs[Math.min(j, last)] ?? 0, scale)))
    thickness = Math.max(thickness, t)
    const from = drawn ? column.x - (j === 0 ? LEAD_IN : 0) : stop
    if (drawn) stop = column.x + HOLD * column.width
    points.push([from, t], [stop, t])
  })
  const most = Math.max(...probs.map((p) => p ?? 0))
  const cross = cutAt < 0 ? undefined : columns[cutAt]
  return {
    path: shape(points) ?? '',
    ink: Math.min(1, Math.round(50 * (0.35 + 0.65 * widthOf(most, scale))) / 50),
    labels: scale.labels ? labels(probs, columns, scale) : [],
    cut: cross ? { from: stop, x: cross.x } : null,
    thickness,
  }
}

/** Raw and final stand as numbers in the row; so does the last stage, which is the final. The others go on the lane. */
function labels(probs: readonly (number | null)[], columns: readonly Column[], scale: Scale): Label[] {
  const lastFull = columns.reduce((at, column, j) => (column.kind === 'full' ? j : at), 0)
  return columns.flatMap((column, j) => {
    const p = probs[j]
    if (j === 0 || j === lastFull || column.kind !== 'full' || p === null || p === undefined) return []
    const t = Math.max(1, widthOf(p, scale))
    const inside = t >= INSIDE
    return [{ x: round(column.x + 7), dy: inside ? 4 : round(-t / 2 - 4), text: percent(p).replace(/\s*%/, ''), inside }]
  })
}

/** No finer than can be seen: what did not change need not be drawn again. */
const tenth = (x: number) => Math.round(10 * x) / 10
const round = (x: number) => Math.round(100 * x) / 100
