import { expect, test } from 'vitest'
import type { Lane } from './river'
import { Sight } from './sight'

const lanes = (n: number, cut: null = null) =>
  Array.from({ length: n }, (_, i) => ({ row: { id: i }, y: 30 * i, height: 30, path: '', ink: 1, labels: [], cut, thickness: 1 }) as unknown as Lane)
const at = { top: 0, height: 300, place: 'a', rest: false }

// Mutation: keep lanes of another sentence -> red.
test('lanes out of sight wait, until there is time, they come into sight, or the sentence is another', () => {
  const sight = new Sight()
  const [first, second] = [lanes(40), lanes(40)]
  expect(sight.lanes(first, at)).toEqual(first)
  const mixed = sight.lanes(second, at)
  expect([mixed[0] === second[0], mixed[14] === second[14], mixed[39] === first[39]]).toEqual([true, true, true])
  expect(sight.lanes(second, { ...at, top: 900 })[39]).toBe(second[39])
  expect(sight.lanes(lanes(40), { ...at, rest: true })[20]).not.toBe(second[20])
  const other = lanes(40)
  expect(sight.lanes(other, { ...at, place: 'b' })[39]).toBe(other[39])
})

test('of thousands only those near the window exist', () => {
  expect(new Sight().lanes(lanes(5000), { ...at, top: 60_000 }).map((lane) => lane.y)).toEqual(Array.from({ length: 50 }, (_, i) => 59_400 + 30 * i))
})
