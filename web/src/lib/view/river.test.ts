import { expect, test } from 'vitest'
import { columns } from './columns'
import { example } from './example'
import { river, rowProbs, wide, widthOf, type Scale } from './river'

const SCALE: Scale = { widths: 'linear', full: 100, row: 30, labels: true, cut: 30 }
const next = example()
const xs = columns(next.stages, 100, 700, false)
const view = river(next, xs, SCALE)

/** Corners of a path, as numbers. */
const numbers = (path: string) => (path.match(/-?\d+(\.\d+)?/g) ?? []).map(Number)

test('rows follow each other without overlap, cuts have room of their own', () => {
  const blocks = [...view.lanes, ...view.cuts, ...(view.tail ? [view.tail] : [])].sort((a, b) => a.y - b.y)
  blocks.forEach((block, i) => expect(block.y).toBe(i === 0 ? 0 : (blocks[i - 1]?.y ?? 0) + (blocks[i - 1]?.height ?? 0)))
  expect(view.height).toBe((blocks.at(-1)?.y ?? 0) + (blocks.at(-1)?.height ?? 0))
  expect(view.cuts.map((cut) => [cut.stage, cut.x])).toEqual([['top_p', xs[4]?.x], ['top_k', xs[3]?.x]])
})

// Mutation: scale each lane by its own maximum -> red: lanes could no longer be compared.
test('the width of a lane is its probability at one scale, in every lane', () => {
  const first = numbers(view.lanes[0]?.path ?? '')
  const ys = first.filter((_, i) => i % 2 === 1)
  expect(Math.max(...ys)).toBeCloseTo(69.451208 / 2, 1)
  const starts = view.lanes.map((lane) => 2 * Math.abs(numbers(lane.path)[1] ?? 0))
  view.lanes.slice(0, 5).forEach((lane, i) => expect(starts[i]).toBeCloseTo(Math.max(1, 100 * lane.row.prob_raw), 1))
})

test('a lane thinner than a pixel gets paler, not wider', () => {
  const thin = river(next, xs, { ...SCALE, full: 10 }).lanes
  expect(thin[0]?.ink).toBe(1)
  expect(thin[5]?.ink).toBeCloseTo(0.35 + 0.65 * 0.01649283 * 10)
  expect(2 * Math.abs(numbers(thin[5]?.path ?? '')[1] ?? 0)).toBe(1)
})

// Mutation: let a cut lane run on to the final column -> red.
test('a cut lane stops before the stage that cut it, a kept one reaches the end', () => {
  const right = (path: string) => Math.max(...numbers(path).filter((_, i) => i % 2 === 0))
  for (const lane of view.lanes) {
    if (lane.row.cut_by === null) {
      expect(lane.cut).toBeNull()
      expect(right(lane.path)).toBe(700)
    } else {
      const at = xs.find((column) => column.key === lane.row.cut_by)?.x ?? 0
      expect(lane.cut?.x).toBe(at)
      expect(right(lane.path)).toBeLessThan(at)
      expect(lane.cut?.from).toBeCloseTo(right(lane.path), 1)
    }
  }
})

test('all lanes have as many points, so that one can turn into another', () => {
  const sizes = new Set([...view.lanes, ...(view.tail ? [view.tail] : [])].map((lane) => numbers(lane.path).length))
  expect(sizes.size).toBe(1)
})

test('numbers on a lane stand where the stage changed something and the token was alive', () => {
  expect(view.lanes[0]?.labels.map((label) => label.text)).toEqual(['63.7', '64.4'])
  expect(view.lanes[5]?.labels.map((label) => label.text)).toEqual(['0.80'])
  expect(rowProbs(next.tokens[3]!)).toEqual([0.073915736, 0.073915736, 0.052320432, 0.052884975, null, null, null])
})

test('nothing left out, no tail; wide enough for a finger', () => {
  const all = river(example({ rest: { n: 0, prob_raw: 0, prob: 0, n_kept: 0 } }), xs, wide('linear'))
  expect(all.tail).toBeNull()
  expect(Math.min(...all.lanes.map((lane) => lane.height))).toBeGreaterThanOrEqual(wide('linear').row)
})

test('the shape of the first lane', () => {
  expect(view.lanes[0]?.path).toMatchSnapshot()
})

// Mutation: draw the logarithm of base e -> red.
test('the small ones can be made visible: by the root, or a decade a sixth', () => {
  expect([1, 0.25, 0.01, 0].map((p) => widthOf(p, { widths: 'root', full: 60 }))).toEqual([60, 30, 6, 0])
  expect([1, 0.1, 1e-3, 1e-6, 1e-9, 0].map((p) => Math.round(widthOf(p, { widths: 'log', full: 60 })))).toEqual([60, 50, 30, 0, 0, 0])
})

// Mutation: give a lane that is wide at one column no room for its number at another -> red.
test('numbers above a lane have room in its row', () => {
  for (const widths of ['linear', 'root', 'log'] as const)
    for (const { labels, height } of river(next, xs, { ...wide(widths), full: 40 }).lanes)
      for (const label of labels) expect(-label.dy + 10).toBeLessThanOrEqual(height / 2 + 0.5)
})
