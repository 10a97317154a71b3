// How far counts stray by chance: the binomial's own quantiles, for the usual approximation by a bell fails where few are expected.

/** The least and the greatest count that n draws of a chance p stay between (both included) in at least 95 of 100 experiments. */
export function interval95(n: number, p: number): [number, number] {
  if (p <= 0) return [0, 0]
  if (p >= 1) return [n, n]
  // Weights relative to the most likely count, outwards until nothing is left; no factorials, so no overflow.
  const mode = Math.min(n, Math.floor((n + 1) * p))
  const odds = p / (1 - p)
  const below: number[] = []
  const above: number[] = []
  for (let k = mode, w = 1; k > 0 && w > 1e-18; k--) below.push((w *= k / ((n - k + 1) * odds)))
  for (let k = mode, w = 1; k < n && w > 1e-18; k++) above.push((w *= ((n - k) * odds) / (k + 1)))
  const weights = [...below.reverse(), 1, ...above]
  const first = mode - below.length
  const tail = 0.025 * weights.reduce((sum, w) => sum + w, 0)
  return [first + within(weights, tail), first + weights.length - 1 - within(weights.reverse(), tail)]
}

/** The first place where the sum from the left goes over `tail`. */
function within(weights: readonly number[], tail: number): number {
  let sum = 0
  for (const [i, w] of weights.entries()) if ((sum += w) > tail) return i
  return weights.length - 1
}
