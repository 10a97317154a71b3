// The settings: what somebody set by hand, and what that makes in a dialect. Whatever was not set is the dialect's own default.
import type { Dialect, Dialects, Sampler, SettingInfo, Settings, SettingValue, Wanted } from '../api/wire'
import { NEUTRAL } from '../api/wire'

/** One way to shape a distribution, complete: what A/B freezes and an address carries. */
export interface Recipe {
  dialect: string
  given: Settings
  seed: number
  /** Stages in an order of one's own; null is the dialect's. */
  order: readonly string[] | null
}

const NEUTRAL_DIALECT = 'logitpeek'

export class SamplerState {
  dialects = $state.raw<readonly Dialect[]>([])
  infos = $state.raw<readonly SettingInfo[]>([])
  recipe = $state.raw<Recipe>({ dialect: NEUTRAL_DIALECT, given: {}, seed: NEUTRAL.seed, order: null })

  readonly dialect: Dialect | null = $derived(this.dialects.find((d) => d.name === this.recipe.dialect) ?? null)
  /** Where the knobs stand when nobody touched them. */
  readonly defaults: Settings = $derived(withoutKeys(this.dialect?.sampler ?? {}, ['dialect', 'seed']))
  /** Names of the settings that act. */
  readonly acts: readonly string[] = $derived(this.dialect?.settings ?? Object.keys(NEUTRAL))
  readonly wanted: Wanted = $derived(wantedOf(this.recipe))
  /** The usual settings as they stand: set by hand, else the dialect's, else off. */
  readonly usual: Sampler = $derived({ ...NEUTRAL, ...numbers(this.defaults), ...numbers(this.recipe.given), seed: this.recipe.seed })
  readonly usualDefaults: Sampler = $derived({ ...NEUTRAL, ...numbers(this.defaults) })

  know({ dialects, settings }: Dialects): void {
    this.dialects = dialects
    this.infos = settings
  }

  /** A recipe from outside with only what this logitpeek knows, and words for what was left out. */
  understand(recipe: Recipe): { recipe: Recipe; strange: string[] } {
    const spoken = this.dialects.some(({ name }) => name === recipe.dialect)
    const names = Object.keys(recipe.given).filter((name) => !this.infos.some((info) => info.name === name))
    return {
      recipe: { ...recipe, dialect: spoken ? recipe.dialect : NEUTRAL_DIALECT, order: spoken ? recipe.order : null, given: withoutKeys(recipe.given, names) },
      strange: [...(spoken ? [] : [`the dialect “${recipe.dialect}”`]), ...names.map((name) => `the setting “${name}”`)],
    }
  }

  value(name: string): SettingValue | undefined {
    return this.recipe.given[name] ?? this.defaults[name]
  }

  set(change: Settings): void {
    this.recipe = this.#changed(change)
  }

  /** What would be wanted if `change` were set. */
  wantedWith(change: Settings): Wanted {
    return wantedOf(this.#changed(change))
  }

  #changed({ seed, ...rest }: Settings): Recipe {
    const given = Object.entries({ ...this.recipe.given, ...rest }).filter(([name, value]) => value !== this.defaults[name])
    return { ...this.recipe, given: Object.fromEntries(given), seed: typeof seed === 'number' ? seed : this.recipe.seed }
  }

  reset(...names: string[]): void {
    this.recipe = { ...this.recipe, given: withoutKeys(this.recipe.given, names) }
  }

  /** Stages in this order from now on; null: as the dialect has it. */
  arrange(order: readonly string[] | null): void {
    this.recipe = { ...this.recipe, order }
  }

  /** The same words in another engine's meaning: what was set stays set, all else becomes that engine's default. */
  speak(dialect: string): void {
    this.recipe = { ...this.recipe, dialect, order: null }
  }
}

/** What is sent. An order of one's own: llama.cpp has a setting for it, logitpeek a chain that spells the stages out. */
export function wantedOf({ dialect, given, seed, order }: Recipe): Wanted {
  if (order && dialect === 'llama.cpp') return { dialect, seed, ...given, samplers: order.join(';') }
  if (order && dialect === 'logitpeek') return { dialect, seed, chain: chainOf(given, order) }
  return { dialect, seed, ...given }
}

/** Which dialects let their stages be put in another order. */
export const ORDERABLE: readonly string[] = ['logitpeek', 'llama.cpp']
/** llama.cpp's names of its samplers, by the name of the stage (common/sampling.cpp). */
export const LLAMA_NAMES: Readonly<Record<string, string>> = {
  repetition_penalty: 'penalties', dry: 'dry', top_n_sigma: 'top_n_sigma', top_k: 'top_k', typical_p: 'typ_p', top_p: 'top_p', min_p: 'min_p', xtc: 'xtc', temperature: 'temperature',
}

/** Each stage of a chain by its setting, and how its details are called there (docs/dialects.md). */
const CHAIN: Readonly<Record<string, { setting: string; details?: Readonly<Record<string, string>> }>> = {
  repetition_penalty: { setting: 'repetition_penalty', details: { repeat_last_n: 'last_n' } },
  presence_penalty: { setting: 'presence_penalty', details: { repeat_last_n: 'last_n' } },
  frequency_penalty: { setting: 'frequency_penalty', details: { repeat_last_n: 'last_n' } },
  dry: { setting: 'dry_multiplier', details: { dry_base: 'base', dry_allowed_length: 'allowed_length', dry_penalty_last_n: 'last_n' } },
  no_repeat_ngram: { setting: 'no_repeat_ngram_size' },
  temperature: { setting: 'temperature' },
  top_k: { setting: 'top_k', details: { min_keep: 'min_keep' } },
  top_p: { setting: 'top_p', details: { min_keep: 'min_keep' } },
  min_p: { setting: 'min_p', details: { min_keep: 'min_keep' } },
  typical_p: { setting: 'typical_p', details: { min_keep: 'min_keep' } },
  top_n_sigma: { setting: 'top_n_sigma' },
  epsilon_cutoff: { setting: 'epsilon_cutoff' },
  eta_cutoff: { setting: 'eta_cutoff' },
  top_a: { setting: 'top_a' },
  top_h: { setting: 'top_h' },
  tail_free: { setting: 'tail_free' },
  xtc: { setting: 'xtc_probability', details: { xtc_threshold: 'threshold' } },
}
export const CHAIN_STAGES: readonly string[] = Object.keys(CHAIN)

/** "temperature=0.7;top_k=40": the stages of `order` that were set, then those that were set and are not in it. */
export function chainOf(given: Settings, order: readonly string[]): string {
  const stages = [...order, ...CHAIN_STAGES.filter((stage) => !order.includes(stage))]
  return stages.flatMap((stage) => {
    const words = CHAIN[stage]
    const value = words && given[words.setting]
    if (typeof value !== 'number') return []
    const details = Object.entries(words?.details ?? {}).flatMap(([setting, word]) => (typeof given[setting] === 'number' ? [`,${word}=${given[setting]}`] : []))
    return [`${stage}=${value}${details.join('')}`]
  }).join(';')
}

const withoutKeys = (settings: object, names: readonly string[]): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name))) as Settings

const numbers = (settings: Settings): Partial<Sampler> =>
  Object.fromEntries(Object.entries(settings).filter(([name, value]) => name in NEUTRAL && typeof value === 'number'))
