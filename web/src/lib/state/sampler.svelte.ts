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

export class SamplerState {
  dialects = $state.raw<readonly Dialect[]>([])
  infos = $state.raw<readonly SettingInfo[]>([])
  recipe = $state.raw<Recipe>({ dialect: 'logitpeek', given: {}, seed: NEUTRAL.seed, order: null })

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

  value(name: string): SettingValue | undefined {
    return this.recipe.given[name] ?? this.defaults[name]
  }

  set(change: Settings): void {
    const { seed, ...rest } = change
    const given = Object.entries({ ...this.recipe.given, ...rest }).filter(([name, value]) => value !== this.defaults[name])
    this.recipe = { ...this.recipe, given: Object.fromEntries(given), seed: typeof seed === 'number' ? seed : this.recipe.seed }
  }

  reset(...names: string[]): void {
    this.recipe = { ...this.recipe, given: withoutKeys(this.recipe.given, names) }
  }

  /** The same words in another engine's meaning: what was set stays set, all else becomes that engine's default. */
  speak(dialect: string): void {
    this.recipe = { ...this.recipe, dialect, order: null }
  }
}

/** What is sent. An order of one's own: llama.cpp has a setting for it, logitpeek a chain that spells the stages out. */
export function wantedOf({ dialect, given, seed, order }: Recipe): Wanted {
  if (order && dialect === 'llama.cpp') return { dialect, seed, ...given, samplers: order.join(';') }
  return { dialect, seed, ...given }
}

const withoutKeys = (settings: object, names: readonly string[]): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name))) as Settings

const numbers = (settings: Settings): Partial<Sampler> =>
  Object.fromEntries(Object.entries(settings).filter(([name, value]) => name in NEUTRAL && typeof value === 'number'))
