import { beforeEach, expect, test } from 'vitest'
import { Memory } from './memory'
import { given, Tree, type Pick } from './tree'

const pick = (id: number): Pick => ({ ...given({ id, text: String(id), bytes_hex: '61' }), how: 'hand', rank: 1, probRaw: 0.5, prob: 0.6, surprisalBits: 1 })
const rest = { model: 'm', prompt: 'abc', recipe: { dialect: 'vllm', given: { top_k: 5 }, seed: 3, order: null } }

let cells: Map<string, string>
let written: string[]
let room: number
const storage = {
  getItem: (name: string) => cells.get(name) ?? null,
  setItem: (name: string, value: string) => {
    if (cells.size >= room && !cells.has(name)) throw new Error('full')
    written.push(name)
    cells.set(name, value)
  },
  removeItem: (name: string) => void cells.delete(name),
} as Storage
beforeEach(() => {
  cells = new Map()
  written = []
  room = Infinity
})
const eleven = () => Tree.of(Array.from({ length: 11 }, (_, id) => pick(id)))

test('another page finds the tree, the place and the settings, under the same address alone', () => {
  const { tree } = eleven()
  const at = 7
  new Memory(storage, 4).keep('a', tree, at, rest)
  const kept = new Memory(storage, 4).recall('a')
  expect(kept?.tree.nodes().map(({ id, parent, pick }) => [id, parent, pick])).toEqual(tree.nodes().map(({ id, parent, pick }) => [id, parent, pick]))
  expect([kept?.at, kept?.session.recipe]).toEqual([at, rest.recipe])
  expect(new Memory(storage, 4).recall('b')).toBeNull()
})

// Mutation: write every piece -> red.
test('a step writes what it changed', () => {
  const memory = new Memory(storage, 4)
  const { tree, at } = eleven()
  memory.keep('a', tree, at, rest)
  written = []
  const grown = tree.grow(at, pick(99))
  memory.keep('b', grown.tree, grown.at, rest)
  expect(written).toEqual(['logitpeek.session.2', 'logitpeek.session'])
  written = []
  memory.keep('c', grown.tree, 3, rest)
  expect(written).toEqual(['logitpeek.session'])
  expect(memory.recall('c')?.at).toBe(3)
})

// Mutation: compare ids instead of nodes, or leave old pieces -> red.
test('a branch that goes takes its pieces along, and what is left is numbered anew', () => {
  const memory = new Memory(storage, 4)
  const { tree } = eleven()
  const forked = tree.grow(1, pick(50), pick(51))
  memory.keep('a', forked.tree, forked.at, rest)
  const cut = forked.tree.without(2)
  memory.keep('b', cut, forked.at, rest)
  expect([...cells.keys()].sort()).toEqual(['logitpeek.session', 'logitpeek.session.0'])
  const kept = memory.recall('b')
  expect(kept?.tree.path(kept.at).map((node) => node.pick.token.id)).toEqual([0, 1, 50, 51])
})

test('where there is no room, or something else was written, there is nothing to recall', () => {
  const { tree, at } = eleven()
  room = 2
  new Memory(storage, 4).keep('a', tree, at, rest)
  expect(new Memory(storage, 4).recall('a')).toBeNull()
  cells.set('logitpeek.session', '{"hash":"a","session":{}}')
  expect(new Memory(storage, 4).recall('a')).toBeNull()
})
