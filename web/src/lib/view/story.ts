// A token's whole way from logit to fate, in one sentence, and the figures under it. Every number came from the core.
import type { Next, Row, Stage, Waypoint } from '../api/wire'
import { spoken } from './bytes'
import { count, logit, percent, setting, share } from './format'
import { changes, stageShort, stageTitle } from './words'

export interface Step {
  name: string
  /** Its probability after this step. */
  value: string
  cut: boolean
}

export interface Story {
  sentence: string
  steps: Step[]
  /** Names and values: id, bytes, logit, ranks. */
  facts: [string, string][]
}

export function story(row: Row, next: Next): Story {
  return { sentence: `${spoken(row)}: ${row.cut_by === null ? lives(row, next) : dies(row, next)}`, steps: steps(row, next), facts: facts(row, next) }
}

function lives(row: Row, next: Next): string {
  const moved = row.rank === row.rank_raw ? '' : ` (the model’s rank ${count(row.rank_raw)})`
  const others = next.metrics.n_kept - 1
  const chance = others === 0 ? 'the only one left: every draw gives it' : `a draw gives it ${percent(row.prob)} of the time, among ${count(next.metrics.n_kept)}`
  if (row.prob === row.prob_raw) return `rank ${count(row.rank)}${moved}; ${chance}, as the model has it.`
  return `rank ${count(row.rank)}${moved}; ${chance}; the model gives it ${percent(row.prob_raw)}.`
}

function dies(row: Row, next: Next): string {
  if (row.cut_by === 'mask') return 'the model itself rules it out: its logit is −∞, before any setting looks at it.'
  // Where its way ends; a chain may have two stages of one name.
  const end = row.journey?.indexOf(null) ?? -1
  const at = end >= 0 ? end : next.stages.findIndex((stage) => stage.stage === row.cut_by)
  const stage = next.stages[at]
  if (!stage) return `cut by ${stageShort(row.cut_by ?? '')}${missed(row)}.`
  const before = at === 0 ? row.prob_raw : (row.journey?.[at - 1]?.prob ?? null)
  return `cut by ${stageShort(stage.stage)}: ${why(row, stage, before)}${missed(row)}.`
}

function why(row: Row, stage: Stage, before: number | null): string {
  const param = stage.params[stage.stage]
  const held = share(stage.mass_out)
  switch (stage.stage) {
    case 'top_k':
      return `only the first ${count(stage.n_out)} may stay, and it is number ${count(row.rank)}`
    case 'top_p':
      return `${stage.n_out === 1 ? 'the first token already holds' : `the first ${count(stage.n_out)} tokens already hold`} ${held}${param == null ? '' : `, where ${setting(param)} is asked for`}`
    case 'min_p':
      return `it has ${before === null ? 'less' : percent(before)}${stage.threshold === null ? '' : `, where ${percent(stage.threshold)} were asked for`}${param == null ? '' : `, ${setting(param)} times the leader’s`}`
    case 'temperature':
    case 'greedy':
      return 'at temperature 0 only the leader stays'
    default:
      return `${count(stage.n_out)} of ${count(stage.n_in)} stay, with ${held} of the probability`
  }
}

function missed({ margin }: Row): string {
  if (margin === null) return ''
  return margin === 0 ? '; it tied with the last that stayed' : `; it missed by ${margin < 0.005 ? 'less than 0.01' : margin.toFixed(2)} nats`
}

/** The model's own, then every stage that changed something for this token, then the end. */
function steps(row: Row, next: Next): Step[] {
  const all: Step[] = [{ name: 'model', value: percent(row.prob_raw), cut: false }]
  const after: (Waypoint | null)[] = row.journey ?? []
  for (const [i, stage] of next.stages.entries()) {
    const point = after[i]
    if (point === undefined) break
    if (point === null) return [...all, { name: stageTitle(stage.stage), value: 'cut', cut: true }]
    if (changes(stage)) all.push({ name: stageTitle(stage.stage), value: percent(point.prob), cut: false })
  }
  return row.cut_by === null ? [...all, { name: 'final', value: percent(row.prob), cut: false }] : all
}

function facts(row: Row, next: Next): [string, string][] {
  const last = row.journey?.filter((point) => point !== null).at(-1)
  const shaped = last && last.logit !== row.logit ? [['shaped logit', logit(last.logit)] as [string, string]] : []
  const bytes = row.bytes_hex.replace(/../g, (two) => `${two} `).trim()
  return [
    ['id', String(row.id)],
    ['bytes', bytes === '' ? 'none' : bytes],
    ['logit', logit(row.logit)],
    ...shaped,
    ['rank', row.rank === row.rank_raw ? count(row.rank) : `${count(row.rank_raw)} → ${count(row.rank)}`],
    ['of', count(next.vocab_size)],
  ]
}
