// Where a sweep asks: values of a setting, spread as its slider is.

export type Swept = 'temperature' | 'top_k' | 'top_p' | 'min_p'
export const SWEPT: readonly Swept[] = ['temperature', 'top_k', 'top_p', 'min_p']

export const LOG: Record<Swept, boolean> = { temperature: false, top_k: true, top_p: false, min_p: true }

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
