// What is on show: which picture of the distribution, whether the course is open, tokens plain or bare.
import type { Recipe } from './sampler.svelte'

export const TABS = ['river', 'ranks', 'compare', 'sentence', 'whatif', 'draws', 'tree'] as const
export type Tab = (typeof TABS)[number]

export const TAB_NAMES: Record<Tab, string> = {
  river: 'Pipeline',
  ranks: 'Ranks',
  compare: 'A / B',
  sentence: 'Sentence',
  whatif: 'What if',
  draws: '1,000 draws',
  tree: 'Branches',
}

export class View {
  /** Settings kept as A; what the knobs say is B. */
  frozen = $state.raw<Recipe | null>(null)
  tab = $state<Tab>('river')
  learn = $state(false)
  /** The course's step, from 0. */
  step = $state(0)
  /** Every token in a box, with its id. */
  bare = $state(false)
}
