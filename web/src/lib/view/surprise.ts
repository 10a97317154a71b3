// How surprising a pick was, as one of five steps: colour and thickness both tell, so neither is needed alone.
import { scaleThreshold } from 'd3-scale'

export type SurpriseStep = 0 | 1 | 2 | 3 | 4

/** Bits at which the next step begins: even odds, 1 in 8, 1 in 32, 1 in 256. */
export const SURPRISE_BITS = [1, 3, 5, 8] as const

const scale = scaleThreshold<number, SurpriseStep>().domain(SURPRISE_BITS).range([0, 1, 2, 3, 4])

export const surpriseStep = (bits: number): SurpriseStep => scale(bits)
