// Where a slider stands for a setting, and the way back. Positions run from 0 to STEPS.
import { scaleLog } from 'd3-scale'
import type { Sampler } from '../api/wire'

export type KnobName = 'repetition_penalty' | 'temperature' | 'top_k' | 'top_p' | 'min_p'
export const KNOBS: readonly KnobName[] = ['repetition_penalty', 'temperature', 'top_k', 'top_p', 'min_p']
export const STEPS = 1000

interface Range {
  min: number
  max: number
  step: number
}

/** What the slider reaches. The field beside it takes all the core takes. */
const SLIDER: Record<Exclude<KnobName, 'top_k'>, Range> = {
  repetition_penalty: { min: 1, max: 2, step: 0.01 },
  temperature: { min: 0, max: 2, step: 0.01 },
  top_p: { min: 0.01, max: 1, step: 0.01 },
  min_p: { min: 0, max: 1, step: 0.01 },
}

/** What the core takes (docs/json.md). */
const VALID: Record<keyof Omit<Sampler, 'seed'>, { ok: (x: number) => boolean; whole: boolean; hint: string }> = {
  repetition_penalty: { ok: (x) => x > 0, whole: false, hint: 'above 0' },
  repeat_last_n: { ok: (x) => x >= -1, whole: true, hint: 'a whole number, or −1 for all' },
  temperature: { ok: (x) => x >= 0, whole: false, hint: '0 or more' },
  top_k: { ok: (x) => x >= 0, whole: true, hint: 'a whole number, 0 = off' },
  top_p: { ok: (x) => x > 0 && x <= 1, whole: false, hint: 'above 0, up to 1' },
  min_p: { ok: (x) => x >= 0 && x <= 1, whole: false, hint: 'from 0 (off) to 1' },
}

export const hint = (name: keyof typeof VALID): string => VALID[name].hint

/** What was typed, as a number the core takes; null where it is none. */
export function parse(name: keyof typeof VALID, text: string): number | null {
  const x = Number(text.trim().replace('−', '-'))
  const { ok, whole } = VALID[name]
  if (text.trim() === '' || !Number.isFinite(x) || (whole && !Number.isSafeInteger(x)) || x > 2147483647) return null
  return ok(x) ? x : null
}

/** Top-k lives on a log scale: 1 at the left, the whole vocabulary (off) at the right end. */
export function position(name: KnobName, value: number, vocabulary: number): number {
  if (name === 'top_k') return value === 0 ? STEPS : clamp(Math.round(kScale(vocabulary)(Math.max(1, value))))
  const { min, max } = SLIDER[name]
  return clamp(Math.round((STEPS * (value - min)) / (max - min)))
}

export function valueAt(name: KnobName, at: number, vocabulary: number): number {
  if (name === 'top_k') {
    const k = Math.round(kScale(vocabulary).invert(at))
    return at >= STEPS || k >= vocabulary ? 0 : Math.max(1, k)
  }
  const { min, max, step } = SLIDER[name]
  return Number((Math.round((min + (at / STEPS) * (max - min)) / step) * step).toFixed(2))
}

/** How far one arrow key moves: one step of the setting, or for top-k about one part in sixty of the scale. */
export function keyStep(name: KnobName): number {
  if (name === 'top_k') return 15
  const { min, max, step } = SLIDER[name]
  return Math.ceil((STEPS * step) / (max - min))
}

const kScale = (vocabulary: number) => scaleLog([1, Math.max(2, vocabulary)], [0, STEPS])

const clamp = (at: number) => Math.min(STEPS, Math.max(0, at))
