// The course: what each step sets up, says, asks, and how it knows that it was done.
import type { Step } from './glance'
import { MEASURING } from './measuring'
import { SHAPING } from './shaping'

export type { Glance, Step } from './glance'
export { FLAT, LOOP, PEAKED, SPLIT } from './glance'

export const STEPS: readonly Step[] = [...SHAPING, ...MEASURING]
