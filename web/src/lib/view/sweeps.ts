// Where a sweep asks: values of a setting, spread as its slider is.

export type Swept = 'temperature' | 'top_k' | 'top_p' | 'min_p'
export const SWEPT: readonly Swept[] = ['temperature', 'top_k', 'top_p', 'min_p']

export const LOG: Record<Swept, boolean> = { temperature: false, top_k: true, top_p: false, min_p: true }

/** With the value that is set, so that the mark stands on a number of the core's and not between two. */
export function valuesWith(setting: Swept, vocabulary: number, now: number | null): number[] {
  const values = valuesOf(setting, vocabulary)
  const [least = 0, most = 0] = [values[0], values.at(-1)]
  if (now === null || now < least || now > most || values.includes(now)) return values
  return [...values, now].sort((a, b) => a - b)
}

/** Powers of ten, and 2s and 5s between them where there is room: ticks of a logarithmic axis. */
export function logTicks(low: number, high: number, most: number): number[] {
  const decades = Array.from({ length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 }, (_, i) => Math.floor(Math.log10(low)) + i)
  const among = (steps: readonly number[]) =>
    decades.flatMap((e) => steps.map((step) => Number((step * 10 ** e).toPrecision(3)))).filter((value) => value >= low * 0.999 && value <= high * 1.001)
  return [[1, 2, 5], [1, 3], [1]].map(among).find((ticks) => ticks.length <= most) ?? among([1]).filter((_, i) => i % 2 === 0)
}

export function valuesOf(setting: Swept, vocabulary: number): number[] {
  switch (setting) {
    case 'temperature':
      return spread(40, (t) => round(0.05 + 1.95 * t))
    case 'top_k':
      return spread(40, (t) => Math.round(vocabulary ** t))
    case 'top_p':
      return spread(40, (t) => round(0.02 + 0.98 * t))
    case 'min_p':
      return spread(40, (t) => round(10 ** (-4 + 4 * t)))
  }
}

const round = (x: number) => Number(x.toPrecision(4))
const spread = (n: number, at: (t: number) => number) => [...new Set(Array.from({ length: n }, (_, i) => at(i / (n - 1))))]
