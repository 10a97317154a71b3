import { expect, test } from 'vitest'
import { given, Tree, type TreeNode } from '../state/tree'
import { clusters, runningText } from './bytes'
import { NOTHING, sentence, towards, type Stretch } from './stretches'

const hex = (text: string) => Buffer.from(text).toString('hex')
const treeOf = (all: readonly string[]) => Tree.of(all.map((bytes_hex, id) => given({ id, text: '', bytes_hex })))
const tokens = (nodes: readonly TreeNode[]) => nodes.map((node) => node.pick.token)
const words = Array.from({ length: 20 }, (_, i) => hex(` word${i}`))

// Mutation: make every stretch anew -> red.
test('what does not change stays the same object', () => {
  const { tree, at } = treeOf(words)
  const one = sentence(NOTHING, tree.path(at), [], 8)
  expect(one.stretches.map(({ from, nodes, stood }) => [from, nodes.length, stood])).toEqual([[0, 8, 8], [8, 8, 8], [16, 4, 4]])
  const grown = tree.grow(at, given({ id: 99, text: '', bytes_hex: hex('!') }))
  const two = sentence(one, grown.tree.path(grown.at), [], 8)
  expect(two.stretches.map((stretch, i) => stretch === one.stretches[i])).toEqual([true, true, false])
  expect(two.stretches[2]?.text).toBe(runningText([...tokens(tree.path(at)).slice(16), { id: 99, text: '', bytes_hex: hex('!') }]))
})

test('going back changes the stretches one goes over, and no other', () => {
  const { tree, at } = treeOf(words)
  const line = tree.path(at)
  const one = sentence(NOTHING, line, [], 8)
  const two = sentence(one, line.slice(0, 10), line.slice(10), 8)
  expect(two.stretches.map(({ stood }) => stood)).toEqual([8, 2, 0])
  expect(two.stretches[0]).toBe(one.stretches[0])
  expect(two.stretches[1]?.groups).toBe(one.stretches[1]?.groups)
  expect(two.near).toBe(true)
  expect(sentence(two, [...line, ...line, ...line], [], 8).near).toBe(false)
})

// Mutation: end a stretch wherever it is long enough -> red.
test('no stretch ends inside a character, and together they say what the sentence says', () => {
  const all = [...words.slice(0, 3), 'e2', '98', '83', hex('a'), 'f0', 'ff', hex('né'), ...words]
  const { tree, at } = treeOf(all)
  const line = tree.path(at)
  for (let long = 1; long < 12; long++)
    for (const stood of [0, 4, 5, 8, line.length]) {
      const { stretches } = sentence(NOTHING, line.slice(0, stood), line.slice(stood), long)
      expect(stretches.map((stretch) => stretch.text).join('')).toBe(runningText(tokens(line.slice(0, stood))))
      const groups = stretches.flatMap(({ from, groups }) => groups.map((group) => ({ from: from + group.from, to: from + group.to, text: group.text })))
      expect(groups).toEqual(clusters(tokens(line)))
    }
})

// Mutation: draw what is far first, or everything at once -> red.
test('after a leap what is near is drawn at once, the rest frame by frame, and nothing that was never there waits', () => {
  const { tree, at } = treeOf(words)
  const line = tree.path(at)
  const end = sentence(NOTHING, line, [], 3)
  expect(towards([], end)).toBe(end.stretches)
  const back = sentence(end, line.slice(0, 1), line.slice(1), 3)
  const renewed = (drawn: readonly Stretch[]) => drawn.map((stretch, i) => stretch === back.stretches[i])
  const first = towards(end.stretches, back)
  expect(renewed(first)).toEqual([true, false, false, false, false, false, false])
  const second = towards(first, back)
  expect(renewed(second)).toEqual([true, true, false, false, false, false, false])
  let drawn = second
  for (let frame = 2; frame < 7; frame++) drawn = towards(drawn, back)
  expect(drawn).toBe(back.stretches)
  const other = tree.grow(0, ...words.map((bytes_hex, i) => given({ id: 100 + i, text: '', bytes_hex })))
  const elsewhere = sentence(end, other.tree.path(other.at), [], 3)
  expect(towards(end.stretches, elsewhere)).toBe(elsewhere.stretches)
})
