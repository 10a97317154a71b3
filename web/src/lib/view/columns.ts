// Where the stages stand across the river. A stage that changes nothing shrinks to a tick; the others share the room.
import type { Stage, StageName } from '../api/wire'
import { changes } from './words'

export interface Column {
  key: 'raw' | StageName | 'final'
  /** `full`: with header and numbers. `tick`: changed nothing. `end`: the final column, where the lanes stop. */
  kind: 'full' | 'tick' | 'end'
  x: number
  /** Room to the right, up to the next column. */
  width: number
  /** The stage this column stands after; null for raw and final. */
  stage: Stage | null
}

export const TICK = 24
const TICK_NARROW = 6

/** Columns from x0 (raw) to x1 (final). `narrow`: ticks barely part the lanes, headers stand elsewhere. */
export function columns(stages: readonly Stage[], x0: number, x1: number, narrow: boolean): Column[] {
  const tick = narrow ? TICK_NARROW : TICK
  const active = stages.filter(changes).length
  const full = (x1 - x0 - tick * (stages.length - active)) / (active + 1)
  const out: Column[] = [{ key: 'raw', kind: 'full', x: x0, width: full, stage: null }]
  let x = x0 + full
  for (const stage of stages) {
    const width = changes(stage) ? full : tick
    out.push({ key: stage.stage, kind: changes(stage) ? 'full' : 'tick', x, width, stage })
    x += width
  }
  // With nothing active the ticks stand together at the end, so the raw column keeps its room.
  out.push({ key: 'final', kind: 'end', x: x1, width: 0, stage: null })
  return out
}
