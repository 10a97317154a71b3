// Rank against probability on logarithmic axes, with the lines of what cuts.
import { scaleLog } from 'd3-scale'
import { line } from 'd3-shape'
import type { CurvePoint, Next } from '../api/wire'
import { count, percent, setting } from './format'
import { stageShort } from './words'

export interface RankLine {
  text: string
  /** One of the two: a rank where it stops, or a probability it asks for. */
  x?: number
  y?: number
}

export interface RankPicture {
  raw: string
  final: string
  xTicks: { at: number; text: string }[]
  yTicks: { at: number; text: string }[]
  lines: RankLine[]
  x: (rank: number) => number
  y: (probability: number) => number
  rankAt: (x: number) => number
  words: string
}

const LEAST = 1e-10

export function ranks(next: Next, curve: readonly CurvePoint[], width: number, height: number): RankPicture {
  const x = scaleLog([1, Math.max(2, next.vocab_size)], [48, width - 8])
  const least = Math.max(LEAST, Math.min(...curve.map((point) => (point.prob_raw > 0 ? point.prob_raw : 1))) / 2)
  const y = scaleLog([least, 1], [height - 36, 18]).clamp(true)
  const draw = (of: (point: CurvePoint) => number) =>
    line<CurvePoint>((point) => x(point.rank), (point) => y(of(point)))(curve.filter((point) => of(point) > 0)) ?? ''
  const decades = (low: number, high: number) => Array.from({ length: high - low + 1 }, (_, i) => low + i)
  return {
    raw: draw((point) => point.prob_raw),
    final: draw((point) => point.prob),
    xTicks: decades(0, Math.floor(Math.log10(next.vocab_size))).map((e) => ({ at: x(10 ** e), text: count(10 ** e) })),
    yTicks: decades(Math.ceil(Math.log10(least)), 0).filter((e) => e % 2 === 0).map((e) => ({ at: y(10 ** e), text: e === 0 ? '1' : `10${superscript(e)}` })),
    lines: lines(next, x, y),
    x, y, rankAt: (at) => x.invert(at),
    words: words(next),
  }
}

const cutting = (next: Next) => next.stages.filter((stage) => stage.active && !stage.skipped && stage.n_out < stage.n_in)

/** A cut stops at a rank. min-p asks for a probability too: the best one's, times p, as it was when it was its turn. */
function lines(next: Next, x: (rank: number) => number, y: (p: number) => number): RankLine[] {
  return cutting(next).flatMap((stage): RankLine[] => {
    const name = stageShort(stage.stage)
    const value = stage.params[stage.stage]
    const stop: RankLine = { text: `${name}${value == null ? '' : ` ${setting(value)}`}: ${count(stage.n_out)} left`, x: x(stage.n_out + 0.5) }
    if (stage.stage !== 'min_p' || stage.threshold === null) return [stop]
    return [stop, { text: `min-p asks for ${percent(stage.threshold)}`, y: y(stage.threshold) }]
  })
}

/** "Top-k stops at rank 40, top-p at rank 14; the 4,082 below hold 9.7 % of the model's probability." */
function words(next: Next): string {
  const kept = next.metrics.n_kept
  if (kept === next.vocab_size) return `Nothing is cut: all ${count(kept)} tokens can be drawn.`
  const stops = cutting(next).map((stage, i) => `${stageShort(stage.stage)} ${i === 0 ? 'stops ' : ''}at rank ${count(stage.n_out)}`)
  const gone = next.vocab_size - kept
  const fate = gone === 1 ? 'the one below holds' : `the ${count(gone)} below hold`
  const begun = stops.length === 0 ? `${count(kept)} can be drawn` : stops.join(', ')
  return `${begun.replace(/^./, (c) => c.toUpperCase())}; ${fate} ${percent(next.metrics.mass_cut)} by the model’s own account.`
}

const superscript = (e: number) => String(e).replace('-', '⁻').replace(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? digit)
