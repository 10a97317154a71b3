// A chart the size of a word: one number along the sentence.
import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'

export interface Spark {
  path: string
  /** Where the last number stands; null where it is infinite. */
  end: { x: number; y: number } | null
}

/** `values` null: infinite or unknown, a gap in the line. The scale begins at 0, so that sparks of one sentence can be compared in time. */
export function spark(values: readonly (number | null)[], width: number, height: number): Spark {
  const pad = 2.5
  const known = values.filter((value): value is number => value !== null)
  const x = scaleLinear([0, Math.max(1, values.length - 1)], [pad, width - pad])
  const y = scaleLinear([0, Math.max(1e-9, ...known)], [height - pad, pad])
  const draw = line<number | null>((_, i) => round(x(i)), (value) => round(y(value ?? 0))).defined((value) => value !== null)
  const last = values.at(-1)
  return { path: draw([...values]) ?? '', end: last === undefined || last === null ? null : { x: round(x(values.length - 1)), y: round(y(last)) } }
}

const round = (x: number) => Math.round(10 * x) / 10
