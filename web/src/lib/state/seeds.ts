// Which seed the next draw uses. A draw is a pure function of (seed, position), so drawing again at a position after
// going back would give the same token for ever; instead a seed already used at a position makes way for the next one.

export class SeedLedger {
  readonly #used = new Set<string>()

  /** The first seed from `seed` on that has not been used at `position`. */
  free(seed: number, position: number): number {
    while (this.#used.has(`${seed}@${position}`)) seed += 1
    return seed
  }

  note(seed: number, position: number): void {
    this.#used.add(`${seed}@${position}`)
  }

  /** A seed chosen by hand means exactly that seed: what was used before no longer counts. */
  forget(): void {
    this.#used.clear()
  }
}

/** The page's seeds are the whole numbers JavaScript holds exactly; the core takes up to 2^64 - 1. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER

/** What was typed as a seed, or null where it is not one. */
export function parseSeed(text: string): number | null {
  if (!/^\d+$/.test(text.trim())) return null
  const seed = Number(text)
  return seed <= MAX_SEED ? seed : null
}
