// The page's address: what is after # holds the text, the picks, the settings and the view, so that a copied address opens the same page.
import type { Settings } from '../api/wire'
import type { Recipe } from './sampler.svelte'
import { recipeOf } from './session'
import { TABS, type Tab } from './view.svelte'

export interface Address {
  model: string | null
  prompt: string
  /** The prompt is a conversation, as turns.ts writes it. */
  chat: boolean
  /** How many of the prompt's tokens come before the first pick; null: all of them. */
  given: number | null
  /** What was picked after them. */
  picks: number[]
  /** A letter per pick: h by hand, s sampled, g greedy. */
  how: string
  /** Where one stands: tokens before it; null: at the end. */
  at: number | null
  recipe: Recipe
  /** What was kept as A. */
  frozen: Recipe | null
  tab: Tab
  /** The course's step, from 1; null: the course is closed. */
  lesson: number | null
}

export function write(address: Address): string {
  const { recipe } = address
  const fields: [string, string | null][] = [
    ['prompt', address.prompt],
    ['chat', address.chat ? '1' : null],
    ['given', address.given === null ? null : String(address.given)],
    ['picks', address.picks.length ? address.picks.join('.') : null],
    ['how', /[^h]/.test(address.how) ? address.how : null],
    ['at', address.at === null ? null : String(address.at)],
    ['dialect', recipe.dialect],
    ['set', Object.keys(recipe.given).length ? JSON.stringify(recipe.given) : null],
    ['order', recipe.order ? recipe.order.join('.') : null],
    ['seed', String(recipe.seed)],
    ['a', address.frozen ? JSON.stringify(address.frozen) : null],
    ['view', address.tab === 'river' ? null : address.tab],
    ['lesson', address.lesson === null ? null : String(address.lesson)],
    ['model', address.model],
  ]
  return new URLSearchParams(fields.flatMap(([name, value]) => (value === null ? [] : [[name, value]]))).toString()
}

/** null where there is no prompt in it: then it is no address of this page. What cannot be read is left out. */
export function read(hash: string): Address | null {
  const fields = new URLSearchParams(hash.replace(/^#/, ''))
  const prompt = fields.get('prompt')
  if (prompt === null) return null
  const picks = (fields.get('picks') ?? '').split('.').filter((id) => /^\d+$/.test(id)).map(Number)
  const tab = fields.get('view') as Tab | null
  return {
    prompt, chat: fields.get('chat') === '1', picks, model: fields.get('model'), given: whole(fields.get('given')), at: whole(fields.get('at')),
    how: fields.get('how') ?? '', lesson: whole(fields.get('lesson')),
    recipe: {
      dialect: fields.get('dialect') ?? 'logitpeek', given: settings(fields.get('set')), seed: whole(fields.get('seed')) ?? 42,
      order: fields.get('order')?.split('.') ?? null,
    },
    frozen: recipeOf(json(fields.get('a'))),
    tab: tab && TABS.includes(tab) ? tab : 'river',
  }
}

const whole = (text: string | null) => (text !== null && /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null)

function settings(text: string | null): Settings {
  const value = json(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Settings) : {}
}

function json(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return null
  }
}
