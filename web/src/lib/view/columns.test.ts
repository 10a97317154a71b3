import { expect, test } from 'vitest'
import type { Stage, StageName } from '../api/wire'
import { columns, TICK } from './columns'

const stage = (name: StageName, active: boolean): Stage => ({
  stage: name, active, skipped: false, params: {}, threshold: null, n_in: 9, n_out: active ? 5 : 9, mass_out: 0, entropy_in_bits: 1, entropy_bits: 1,
})
const stages = (mask: string) =>
  (['repetition_penalty', 'temperature', 'top_k', 'top_p'] as const).map((name, i) => stage(name, mask[i] === '1'))

// Mutation: give ticks the full width -> red.
test('stages that change nothing shrink to a tick, the others share the room', () => {
  const xs = columns(stages('0110'), 100, 700, false)
  expect(xs.map((c) => c.kind)).toEqual(['full', 'tick', 'full', 'full', 'tick', 'end'])
  expect(xs[1]?.width).toBe(TICK)
  expect(xs[0]?.width).toBeCloseTo((600 - 2 * TICK) / 3)
  expect(xs[2]?.width).toBeCloseTo(xs[0]?.width ?? 0)
})

test('columns run from end to end in order, whatever is active', () => {
  for (const mask of ['0000', '1000', '0101', '1111']) {
    const xs = columns(stages(mask), 50, 500, false)
    expect(xs[0]?.x).toBe(50)
    expect(xs.at(-1)?.x).toBe(500)
    xs.slice(1).forEach((c, i) => expect(c.x).toBeCloseTo((xs[i]?.x ?? 0) + (xs[i]?.width ?? 0)))
  }
})
