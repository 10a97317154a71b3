import { beforeAll, expect, test } from 'vitest'
import { INKS, LOOKS, paint, type Inks, type Looks, type Scene } from './brush'
import { columns } from './columns'
import { example } from './example'
import { percent } from './format'
import { river, wide } from './river'
import type { Said } from './said'

interface Written {
  text: string
  x: number
  /** On the screen, px. */
  y: number
  font: string
  fill: string
  align: string
}

/** A canvas that notes what is painted on it, and where on the screen. */
function canvas() {
  const written: Written[] = []
  const filled: { fill: string; alpha: number; at: number; path: string }[] = []
  let [scale, offset] = [1, 0]
  const g = {
    font: '', fillStyle: '', textAlign: 'left', globalAlpha: 1,
    setTransform: (a: number, _b: number, _c: number, _d: number, _e: number, f: number) => ([scale, offset] = [a, f]),
    getTransform: () => ({ d: scale, f: offset }),
    measureText: (text: string) => ({ fontBoundingBoxAscent: 12.24, fontBoundingBoxDescent: 3.6, width: 7 * text.length }),
    fillText: (text: string, x: number, y: number) => written.push({ text, x, y: scale * y + offset, font: g.font, fill: g.fillStyle, align: g.textAlign }),
    fill: ({ path }: { path: string }) => filled.push({ fill: g.fillStyle, alpha: g.globalAlpha, at: offset, path }),
  }
  const nothing = ['beginPath', 'moveTo', 'lineTo', 'stroke', 'fillRect', 'setLineDash', 'clip', 'save', 'restore', 'roundRect']
  Object.assign(g, Object.fromEntries(nothing.map((name) => [name, () => {}])))
  return { g: g as unknown as CanvasRenderingContext2D, written, filled }
}

beforeAll(() => {
  globalThis.Path2D = class {
    constructor(readonly path: string) {}
  } as unknown as typeof Path2D
})

const next = example()
const xs = columns(next.stages, 300, 900, false)
const view = river(next, xs, wide('linear'))
const said = (id: number): Said => ({ runs: [{ kind: 'token', text: `token ${id}`, x: 24, dy: 4.3, font: 'another', ink: 'another' }], frames: [] })
const looks = Object.fromEntries(LOOKS.map((name) => [name, { font: name, ink: `ink of ${name}`, line: 17.4 }])) as Looks
const inks = Object.fromEntries(INKS.map((name) => [name, name])) as Inks
const scene: Scene = { ...view, columns: xs, left: 300, width: 1000, narrow: false, top: 0, height: 2000, said, looks, inks }
const draw = (over: Partial<Scene> = {}, scale = 1) => {
  const { g, written, filled } = canvas()
  paint(g, { ...scene, ...over }, scale)
  return { written, filled }
}

// Mutation: draw the raw probability for the final one, or a lane's share for the token's -> red.
test('every number of the answer stands in its row, in its own look', () => {
  const { written } = draw()
  for (const { row, y, height } of view.lanes) {
    const here = written.filter((each) => each.y > y && each.y < y + height)
    const gone = row.cut_by !== null
    expect(here).toContainEqual(expect.objectContaining({ text: percent(row.prob_raw), font: 'number', x: 276, align: 'right' }))
    expect(here).toContainEqual(expect.objectContaining({ text: gone ? 'cut' : percent(row.prob), font: gone ? 'final-gone' : 'final', x: 1000, align: 'right' }))
    expect(here).toContainEqual(expect.objectContaining({ text: `token ${row.id}`, font: gone ? 'token-gone' : 'token', fill: `ink of ${gone ? 'token-gone' : 'token'}` }))
    expect(here).toContainEqual(expect.objectContaining({ text: String(row.rank), font: 'key' }))
  }
  const labels = [...view.lanes, ...(view.tail ? [view.tail] : [])].flatMap((lane) => lane.labels.map((label) => label.text))
  expect(written.filter((each) => /above|inside/.test(each.font)).map((each) => each.text).sort()).toEqual(labels.sort())
})

// Mutation: leave the ink of a thin lane out, or draw cut ones like the others -> red.
test('lanes are the geometry’s own shapes, in the middle of their rows', () => {
  const { filled } = draw()
  expect(filled).toEqual(view.lanes.map((lane) => ({ fill: lane.cut ? 'cut' : 'lane', alpha: lane.ink, at: lane.y + lane.height / 2, path: lane.path })))
})

// Mutation: leave baselines between two lines of pixels -> red.
test('what is in sight is drawn, text on whole pixels of the screen, however fine that is', () => {
  const top = view.lanes[2]?.y ?? 0
  for (const scale of [1, 1.5, 2]) {
    const { written, filled } = draw({ top, height: 40 }, scale)
    expect(filled.map((lane) => lane.path)).toEqual(view.lanes.filter((lane) => lane.y < top + 40 && lane.y + lane.height > top).map((lane) => lane.path))
    for (const each of written) expect(each.y).toBeCloseTo(Math.round(each.y), 6)
  }
})

// Mutation: write the words at the row above, or without breaking them -> red.
test('where a stage cuts stands its reason, in as many lines as there is room for', () => {
  const [cut] = view.cuts
  expect(cut).toBeDefined()
  if (!cut) return
  const said = (x: number) => draw({ cuts: [{ ...cut, x }] }).written.filter((each) => each.font === 'words')
  const one = said(900)
  expect(one.map((each) => each.text)).toEqual([cut.words])
  expect(one[0]).toMatchObject({ x: 912, align: 'right', fill: 'ink of words' })
  expect(one[0]?.y).toBeGreaterThan(cut.y)
  expect(one[0]?.y).toBeLessThan(cut.y + cut.height)
  const many = said(100)
  expect(many.length).toBeGreaterThan(1)
  expect(many.map((each) => each.text).join(' ')).toBe(cut.words)
  for (const line of many) expect(line.text.includes(' ') ? 7 * line.text.length : 0).toBeLessThanOrEqual(112)
})
