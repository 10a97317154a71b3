// What a step of the course can see of the page, and how it writes the present numbers into formulas. Every number is the core's.
import type { Next, Row, Settings, Stage } from '../api/wire'
import { spoken } from '../view/bytes'
import { percent } from '../view/format'

export interface Glance {
  next: Next
  dialect: string
  settings: Settings
  picks: number
  prompt: string
  tab: string
  frozen: boolean
  /** The naive softmax was made to overflow. */
  broken: boolean
}

export interface Step {
  id: string
  title: string
  scene: { prompt: string; dialect?: string; settings?: Settings }
  /** Short paragraphs. */
  text: readonly string[]
  /** What happens, in order, with the present numbers; or a proof in its steps. */
  list?: (now: Glance) => readonly string[]
  /** TeX, with the present numbers put in. */
  formulas: (glance: Glance) => readonly string[]
  task: string
  done: (now: Glance) => boolean
  reveal: (now: Glance) => string
  /** A demonstration below the formulas. */
  demo?: 'overflow' | 'offset' | 'temperatures'
}

export const PEAKED = 'They lived happily ever'
export const SPLIT = 'Once upon a time, there was a little'
export const FLAT = 'The old woman gave him a'
export const LOOP = 'The wind blew and the'

export const stage = (now: Glance, name: string): Stage | undefined => now.next.stages.find((each) => each.stage === name)
export const value = (now: Glance, name: string): number => {
  const own = now.settings[name]
  return typeof own === 'number' ? own : Number(now.next.sampler[name] ?? NaN)
}
export const n2 = (x: number | null): string => (x === null ? '\\infty' : x.toFixed(2))
const SIGNS: Record<string, string> = { '\\': '\\backslash ', '^': '\\textasciicircum ', '~': '\\textasciitilde ' }
export const tex = (text: string): string => text.replace(/[\\{}$&#^_%~]/g, (c) => SIGNS[c] ?? `\\${c}`)

const row = (now: Glance, at: number): Row | undefined => now.next.tokens[at]
export const token = (now: Glance, at: number): string => spoken(row(now, at) ?? { id: 0, text: '', bytes_hex: '' })
/** In a formula blanks are blanks: KaTeX knows no dot in text. */
export const name = (now: Glance, at: number): string => `\\text{${tex(token(now, at)).replaceAll('·', ' ')}}`
export const logit = (now: Glance, at: number): string => n2(row(now, at)?.logit ?? null)
/** By how many nats the first token leads the one at `at`. */
export const lead = (now: Glance, at: number): number => (row(now, 0)?.logit ?? 0) - (row(now, at)?.logit ?? 0)
export const prob = (now: Glance, at: number): string => (row(now, at)?.prob ?? 0).toPrecision(3)
export const raw = (now: Glance, at: number): string => percent(row(now, at)?.prob_raw ?? 0)
export const final = (now: Glance, at: number): string => percent(row(now, at)?.prob ?? 0)
