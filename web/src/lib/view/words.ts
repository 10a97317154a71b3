// What happened, in sentences. Every number in them came from the core.
import type { CutBy, Next, Stage, StageName } from '../api/wire'
import { spoken } from './bytes'
import { bits, count, percent, plural, setting, share } from './format'
import { stageOfKnob, type KnobName } from './knobs'

const TITLES: Record<StageName, string> = {
  repetition_penalty: 'Repetition penalty',
  temperature: 'Temperature',
  top_k: 'Top-k',
  top_p: 'Top-p',
  min_p: 'Min-p',
  typical_p: 'Typical-p',
  top_n_sigma: 'Top-nσ',
  top_a: 'Top-a',
  top_h: 'Top-H',
  xtc: 'XTC',
  dry: 'DRY',
  no_repeat_ngram: 'No repeated n-gram',
  adaptive_p: 'Adaptive-p',
}
const SHORT: Record<StageName, string> = {
  repetition_penalty: 'penalty',
  top_k: 'top-k',
  top_p: 'top-p',
  min_p: 'min-p',
  typical_p: 'typical-p',
  top_n_sigma: 'top-nσ',
  top_a: 'top-a',
  top_h: 'top-H',
  xtc: 'XTC',
  dry: 'DRY',
  presence_penalty: 'presence',
  frequency_penalty: 'frequency',
  dynamic_temperature: 'dyn. temp.',
  no_repeat_ngram: 'n-gram',
  banned_tokens: 'bans',
}

const spelled = (name: StageName) => name.replaceAll('_', ' ')
const KNOB_TITLES: Partial<Record<KnobName, string>> = {
  dry_multiplier: 'DRY', no_repeat_ngram_size: 'No repeated n-gram', dynatemp_range: 'Dynamic temperature', xtc_probability: 'XTC', adaptive_target: 'Adaptive-p',
  min_new_tokens: 'Least new tokens', min_keep: 'Least tokens kept', mirostat: 'Mirostat',
}
export const knobTitle = (name: KnobName): string => KNOB_TITLES[name] ?? stageTitle(name)
export const stageTitle = (name: StageName): string => TITLES[name] ?? spelled(name).replace(/^./, (c) => c.toUpperCase())
/** A name short enough for a column of the river. */
export const stageShort = (name: StageName): string => SHORT[name] ?? spelled(name)

/** A stage that is set but cut nothing here changes as little as one that is off. */
export const changes = (stage: Stage): boolean =>
  stage.active && (stage.n_out < stage.n_in || stage.stage === 'temperature' || stage.stage.endsWith('_penalty'))

const stageOf = (next: Next, name: StageName): Stage | undefined => next.stages.find((stage) => stage.stage === name)

const verb = (n: number, noun: string, one: string, many: string) => `${plural(n, noun)} ${n === 1 ? one : many}`

const param = (stage: Stage, name: string): number => stage.params[name] ?? 0

/** The setting as a column header shows it. */
export function parameter(stage: Stage): string {
  switch (stage.stage) {
    case 'repetition_penalty': {
      const window = param(stage, 'repeat_last_n')
      return `× ${setting(param(stage, 'repetition_penalty'))}${window < 0 ? '' : `, last ${count(window)}`}`
    }
    case 'temperature':
      return `T ${setting(param(stage, 'temperature'))}`
    case 'top_k':
      return stage.active ? `k ${count(param(stage, 'top_k'))}` : 'off'
    case 'top_p':
      return `p ${setting(param(stage, 'top_p'))}`
    case 'min_p':
      return stage.active ? `p ${setting(param(stage, 'min_p'))}` : 'off'
    default:
      return stage.active ? '' : 'off'
  }
}

/** The line above the river. */
export function headline(next: Next): string {
  const first = next.tokens.find((row) => row.cut_by === null)
  if (!first) return ''
  const { n_kept } = next.metrics
  const who = spoken(first)
  if (n_kept === 1) return `Only ${who} is left: every draw gives it.`
  const field = n_kept === next.vocab_size ? `all ${count(n_kept)} tokens` : `${count(n_kept)} of ${count(next.vocab_size)} tokens`
  return `${who} leads with ${percent(first.prob)}; a draw chooses among ${field}.`
}

/** Why the tokens from here on are gone. */
export function cutWords(next: Next, name: CutBy): string {
  if (name === 'mask') return 'the model itself rules these out: their logit is −∞'
  const stage = stageOf(next, name)
  if (!stage) return `cut by ${stageShort(name)}`
  const held = share(stage.mass_out)
  switch (name) {
    case 'top_k':
      return `top-k stops here: only the first ${count(stage.n_out)} may stay; they held ${held}`
    case 'top_p':
      return stage.n_out === 1
        ? `top-p stops here: the one above holds ${held} ≥ ${setting(param(stage, 'top_p'))}`
        : `top-p stops here: the ${count(stage.n_out)} above hold ${held} ≥ ${setting(param(stage, 'top_p'))}`
    case 'min_p':
      return `min-p stops here: less than ${setting(param(stage, 'min_p'))} times the leader’s probability`
    case 'temperature':
      return 'temperature 0 stops here: only the most likely token stays'
    case 'greedy':
      return 'greedy stops here: only the most likely token stays'
    default:
      return `cut by ${stageShort(name)}`
  }
}

/** What became of the rows that are not shown; null where nothing was cut among them. */
export function tailWords(next: Next): string | null {
  let alive = next.rest.n
  const parts: string[] = []
  next.rest.journey?.forEach((point, i) => {
    const stage = next.stages[i]
    if (stage && point.n < alive) parts.push(`${stageShort(stage.stage)} cuts ${count(alive - point.n)}`)
    alive = point.n
  })
  if (parts.length === 0) return null
  return `of these, ${parts.join(' and ')}; ${alive === 0 ? 'none is left' : `${count(alive)} ${alive === 1 ? 'is' : 'are'} left`}`
}

/** The core's messages are clauses, as on a command line; on the page they stand alone. */
export const asSentence = (message: string): string => message.charAt(0).toUpperCase() + message.slice(1) + (/[.!?…]$/.test(message) ? '' : '.')

/** Which tokens a penalty looks at, in the dialect that is spoken; null where it is no penalty or not in the chain. */
export function scopeWords(name: KnobName, next: Next): string | null {
  const stage = stageOf(next, stageOfKnob(name))
  const window = stage?.params.repeat_last_n ?? stage?.params.last_n
  if (!stage || typeof window !== 'number') return null
  if (stage.params.output_only === 1) return 'looks at the output only, not at the prompt'
  return window < 0 ? 'looks at the whole prompt and the output' : `looks at the last ${plural(window, 'token')}, prompt included`
}

/** What a setting costs at this moment. */
export function costWords(name: KnobName, next: Next): string {
  const stage = name === 'mirostat' ? next.stages.find((each) => each.stage.startsWith('mirostat')) : stageOf(next, stageOfKnob(name))
  if (!stage) return ''
  const change = `${bits(stage.entropy_in_bits)} → ${bits(stage.entropy_bits)} bits of entropy`
  switch (name) {
    case 'repetition_penalty':
      if (param(stage, name) === 1) return 'off: what was said may be said again'
      if (!stage.active || stage.entropy_in_bits === stage.entropy_bits) return 'changes nothing: no token in its window'
      return `${param(stage, name) > 1 ? 'less echo' : 'more echo'}: ${change}`
    case 'temperature':
      if (param(stage, name) === 0) return 'greedy: only the most likely token is left'
      if (!stage.active) return 'off: probabilities as they come in'
      return `${param(stage, name) < 1 ? 'sharper' : 'flatter'}: ${change}`
    case 'presence_penalty':
    case 'frequency_penalty':
    case 'dry_multiplier':
    case 'dynatemp_range':
      if (!stage.active) return 'off'
      return stage.entropy_in_bits === stage.entropy_bits ? 'changes nothing here' : change
    default:
      if (!stage.active) return `off: all ${count(stage.n_in)} may be drawn`
      if (stage.skipped) return 'its coin said no this time: nothing cut'
      if (stage.n_out === stage.n_in) return `changes nothing: ${verb(stage.n_in, 'token', 'comes', 'come')} in, all stay`
      return `keeps ${count(stage.n_out)} of ${count(stage.n_in)} · ${held(stage)}`
  }
}

const held = (stage: Stage) => `${stage.n_out === 1 ? 'it holds' : 'they hold'} ${share(stage.mass_out)}`
