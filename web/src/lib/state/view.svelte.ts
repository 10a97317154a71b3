// What is on show: which picture of the distribution, whether the course is open, tokens plain or bare.
import type { Widths } from '../view/river'
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

export const TOKEN_DRESSES = ['text', 'ids', 'bytes'] as const
export type TokenDress = (typeof TOKEN_DRESSES)[number]

export class View {
  /** Settings kept as A; what the knobs say is B. */
  frozen = $state.raw<Recipe | null>(null)
  tab = $state<Tab>('river')
  learn = $state(false)
  /** The course's step, from 0. */
  step = $state(0)
  /** The step whose text and settings are on the page: an address brings its own, a step that was not staged yet sets them up. */
  staged = $state<number | null>(null)
  /** Tokens of the sentence as running text, or every one in a box with its id or bytes. */
  tokens = $state<TokenDress>('text')
  /** How wide the lanes of the pipeline are drawn. */
  widths = $state<Widths>('linear')
}
