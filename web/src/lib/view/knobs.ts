// The samplers' settings: what each slider reaches, what its field takes, what "off" means, and which stage it becomes.
// Positions of a slider run from 0 to STEPS. The core checks ranges again, as the engine would.
import { scaleLinear, scaleLog } from 'd3-scale'
import type { StageName } from '../api/wire'

export const STEPS = 1000

interface Spec {
  /** The stage it is the main number of; '' for a detail of another one. */
  stage: StageName
  /** The value that changes nothing. */
  off: number
  /** The value a card begins with. */
  start: number
  min: number
  max: number
  step: number
  log?: true
  whole?: true
  ok: (x: number) => boolean
  hint: string
  /** Details on the same card. */
  details?: readonly string[]
}

const share = (x: number) => x >= 0 && x <= 1
const positiveShare = (x: number) => x > 0 && x <= 1
const any = () => true
const positive = (x: number) => x > 0
const notNegative = (x: number) => x >= 0
const SCOPE = ['repeat_last_n'] as const

const TABLE = {
  repetition_penalty: { stage: 'repetition_penalty', off: 1, start: 1.1, min: 1, max: 2, step: 0.01, ok: positive, hint: 'above 0', details: SCOPE },
  presence_penalty: { stage: 'presence_penalty', off: 0, start: 0.5, min: -2, max: 2, step: 0.05, ok: any, hint: 'a number, 0 = off', details: SCOPE },
  frequency_penalty: { stage: 'frequency_penalty', off: 0, start: 0.5, min: -2, max: 2, step: 0.05, ok: any, hint: 'a number, 0 = off', details: SCOPE },
  dry_multiplier: {
    stage: 'dry', off: 0, start: 0.8, min: 0, max: 5, step: 0.05, ok: notNegative, hint: '0 (off) or more',
    details: ['dry_base', 'dry_allowed_length', 'dry_penalty_last_n'],
  },
  no_repeat_ngram_size: { stage: 'no_repeat_ngram', off: 0, start: 3, min: 0, max: 10, step: 1, whole: true, ok: notNegative, hint: 'a whole number, 0 = off' },
  min_new_tokens: { stage: 'banned_tokens', off: 0, start: 10, min: 0, max: 100, step: 1, whole: true, ok: notNegative, hint: 'a whole number, 0 = off' },
  temperature: { stage: 'temperature', off: 1, start: 0.8, min: 0, max: 2, step: 0.01, ok: notNegative, hint: '0 or more' },
  dynatemp_range: { stage: 'dynamic_temperature', off: 0, start: 0.5, min: 0, max: 2, step: 0.05, ok: notNegative, hint: '0 (off) or more', details: ['dynatemp_exponent'] },
  top_k: { stage: 'top_k', off: 0, start: 40, min: 1, max: 2, step: 1, log: true, whole: true, ok: notNegative, hint: 'a whole number, 0 = off' },
  top_p: { stage: 'top_p', off: 1, start: 0.9, min: 0.01, max: 1, step: 0.01, ok: positiveShare, hint: 'above 0, up to 1' },
  min_p: { stage: 'min_p', off: 0, start: 0.05, min: 0, max: 1, step: 0.01, ok: share, hint: 'from 0 (off) to 1' },
  typical_p: { stage: 'typical_p', off: 1, start: 0.9, min: 0.01, max: 1, step: 0.01, ok: positiveShare, hint: 'above 0, up to 1 (off)' },
  top_n_sigma: { stage: 'top_n_sigma', off: -1, start: 1, min: 0.1, max: 5, step: 0.1, ok: any, hint: 'above 0, −1 = off' },
  epsilon_cutoff: { stage: 'epsilon_cutoff', off: 0, start: 0.001, min: 1e-5, max: 0.1, step: 0, log: true, ok: share, hint: 'from 0 (off) to 1' },
  eta_cutoff: { stage: 'eta_cutoff', off: 0, start: 0.001, min: 1e-5, max: 0.1, step: 0, log: true, ok: share, hint: 'from 0 (off) to 1' },
  top_a: { stage: 'top_a', off: 0, start: 0.2, min: 0, max: 1, step: 0.01, ok: share, hint: 'from 0 (off) to 1' },
  top_h: { stage: 'top_h', off: 1, start: 0.4, min: 0.01, max: 1, step: 0.01, ok: positiveShare, hint: 'above 0, up to 1 (off)' },
  tail_free: { stage: 'tail_free', off: 1, start: 0.95, min: 0.01, max: 1, step: 0.01, ok: share, hint: 'from 0 to 1 (off)' },
  xtc_probability: { stage: 'xtc', off: 0, start: 0.5, min: 0, max: 1, step: 0.01, ok: share, hint: 'from 0 (off) to 1', details: ['xtc_threshold'] },
  mirostat: { stage: 'mirostat_2', off: 0, start: 2, min: 0, max: 2, step: 1, whole: true, ok: (x) => [0, 1, 2].includes(x), hint: '0 (off), 1 or 2', details: ['mirostat_tau', 'mirostat_eta'] },
  adaptive_target: { stage: 'adaptive_p', off: -1, start: 0.5, min: 0, max: 1, step: 0.01, ok: (x) => x <= 1, hint: 'up to 1, below 0 = off', details: ['adaptive_decay'] },
  min_keep: { stage: '', off: 0, start: 3, min: 0, max: 50, step: 1, whole: true, ok: notNegative, hint: 'a whole number, 0 = off' },
} as const satisfies Record<string, Spec>

export type KnobName = keyof typeof TABLE
export const ALL_KNOBS = Object.keys(TABLE) as KnobName[]
/** Those that always have a card. */
export const KNOBS: readonly KnobName[] = ['repetition_penalty', 'temperature', 'top_k', 'top_p', 'min_p']

const SPECS: Record<KnobName, Spec> = TABLE
export const stageOfKnob = (name: KnobName): StageName => SPECS[name].stage
export const offValue = (name: KnobName): number => SPECS[name].off
export const startValue = (name: KnobName): number => SPECS[name].start
export const detailsOf = (name: KnobName): readonly DetailName[] => (SPECS[name].details ?? []) as readonly DetailName[]

/** Numbers that stand on another card. */
const DETAILS = {
  repeat_last_n: { ok: (x: number) => x >= -1, whole: true, hint: 'a whole number, or −1 for all', value: -1 },
  dry_base: { ok: (x: number) => x >= 1, whole: false, hint: '1 or more', value: 1.75 },
  dry_allowed_length: { ok: notNegative, whole: true, hint: 'a whole number', value: 2 },
  dry_penalty_last_n: { ok: (x: number) => x >= -1, whole: true, hint: 'a whole number, or −1 for all', value: -1 },
  dynatemp_exponent: { ok: positive, whole: false, hint: 'above 0', value: 1 },
  xtc_threshold: { ok: (x: number) => x >= 0 && x <= 0.5, whole: false, hint: 'from 0 to 0.5', value: 0.1 },
  mirostat_tau: { ok: notNegative, whole: false, hint: '0 or more, in bits', value: 5 },
  mirostat_eta: { ok: notNegative, whole: false, hint: '0 or more', value: 0.1 },
  adaptive_decay: { ok: (x: number) => x >= 0 && x < 1, whole: false, hint: 'from 0 to 0.99', value: 0.9 },
} as const
export type DetailName = keyof typeof DETAILS
export const detailDefault = (name: DetailName): number => DETAILS[name].value

const rule = (name: KnobName | DetailName): { ok: (x: number) => boolean; whole?: boolean; hint: string } => (name in DETAILS ? DETAILS[name as DetailName] : SPECS[name as KnobName])

export const hint = (name: KnobName | DetailName): string => rule(name).hint

/** What was typed, as a number the core takes; null where it is none. */
export function parse(name: KnobName | DetailName, text: string): number | null {
  const x = Number(text.trim().replace('−', '-'))
  const { ok, whole } = rule(name)
  if (text.trim() === '' || !Number.isFinite(x) || (whole && !Number.isSafeInteger(x)) || x > 2147483647) return null
  return ok(x) ? x : null
}

/** Top-k lives on a log scale: 1 at the left, the whole vocabulary (off) at the right end. */
export function position(name: KnobName, value: number, vocabulary: number): number {
  if (name === 'top_k') return value === 0 ? STEPS : clamp(scaleOf(name, vocabulary)(Math.max(1, value)))
  const { min, max, log } = SPECS[name]
  if (value === SPECS[name].off && (log || value < min)) return 0
  return clamp(scaleOf(name, vocabulary)(log ? Math.max(min, Math.min(max, value)) : value))
}

/** The thumb of a slider, px (Slider.svelte): its middle goes from half of it to half of it before the end. */
export const THUMB = 18

/** The position of a slider `width` px wide whose thumb is drawn to `x` px from its left end, as browsers have it. */
export function positionUnder(x: number, width: number): number {
  return clamp((STEPS * (x - THUMB / 2)) / (width - THUMB))
}

export function valueAt(name: KnobName, at: number, vocabulary: number): number {
  const { step, log, off, min } = SPECS[name]
  const value = scaleOf(name, vocabulary).invert(at)
  if (name === 'top_k') {
    const k = Math.round(value)
    return at >= STEPS || k >= vocabulary ? 0 : Math.max(1, k)
  }
  if ((log || off < min) && at <= 0) return off
  return log ? Number(value.toPrecision(2)) : Number((Math.round(value / step) * step).toFixed(4))
}

/** How far one arrow key moves: one step of the setting, or on a log scale about one part in sixty of it. */
export function keyStep(name: KnobName): number {
  const { min, max, step, log } = SPECS[name]
  return log ? 15 : Math.ceil((STEPS * step) / (max - min))
}

/** Made once: a drag asks for its scale three times with every move. */
const scales = new Map<string, ReturnType<typeof makeScale>>()
function scaleOf(name: KnobName, vocabulary: number) {
  const key = `${name} ${vocabulary}`
  const scale = scales.get(key) ?? makeScale(name, vocabulary)
  scales.set(key, scale)
  return scale
}
function makeScale(name: KnobName, vocabulary: number) {
  const { min, max, log } = SPECS[name]
  if (name === 'top_k') return scaleLog([1, Math.max(2, vocabulary)], [0, STEPS])
  return (log ? scaleLog : scaleLinear)([min, max], [0, STEPS])
}

const clamp = (at: number) => Math.min(STEPS, Math.max(0, Math.round(at)))
