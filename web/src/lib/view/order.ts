// The order of the sampler's cards, and what becomes of it when one is moved.
import type { Stage } from '../api/wire'
import { CHAIN_STAGES, LLAMA_NAMES, ORDERABLE } from '../state/sampler.svelte'
import { ALL_KNOBS, stageOfKnob, type KnobName } from './knobs'

/** A stage by the name its dialect orders it by; null where it keeps its place. */
const orderName = (dialect: string, name: KnobName): string | null => {
  const stage = stageOfKnob(name)
  if (dialect === 'llama.cpp') return LLAMA_NAMES[stage] ?? null
  return CHAIN_STAGES.includes(stage) ? stage : null
}

export const movable = (dialect: string, name: KnobName): boolean => ORDERABLE.includes(dialect) && orderName(dialect, name) !== null

/** Cards as their stages act: in an order of one's own, else as the chain has them; what has no stage stands last. */
export function arranged(cards: readonly KnobName[], dialect: string, order: readonly string[] | null, stages: readonly Stage[]): KnobName[] {
  const place = (name: KnobName) => {
    const own = order?.indexOf(orderName(dialect, name) ?? '') ?? -1
    if (own >= 0) return own
    const stage = stageOfKnob(name)
    const at = stages.findIndex((each) => each.stage === stage || (name === 'mirostat' && each.stage.startsWith('mirostat')))
    return at < 0 ? 100 + ALL_KNOBS.indexOf(name) : at
  }
  return [...cards].sort((a, b) => place(a) - place(b) || ALL_KNOBS.indexOf(a) - ALL_KNOBS.indexOf(b))
}

/** The stages of `cards` in their order, with one of them moved to the place of another card; null where nothing changes. */
export function moved(cards: readonly KnobName[], dialect: string, name: KnobName, by: number): { order: string[]; at: number } | null {
  const order = [...new Set(cards.map((card) => orderName(dialect, card)).filter((stage) => stage !== null))]
  const from = order.indexOf(orderName(dialect, name) ?? '')
  const to = Math.max(0, Math.min(order.length - 1, from + by))
  if (from < 0 || from === to) return null
  order.splice(to, 0, ...order.splice(from, 1))
  return { order, at: to }
}
