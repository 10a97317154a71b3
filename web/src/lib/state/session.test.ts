import { expect, test } from 'vitest'
import { recipeOf, restore, save } from './session'
import { given, Tree, type Pick } from './tree'

const pick = (id: number, over: Partial<Pick> = {}): Pick => ({
  ...given({ id, text: String(id), bytes_hex: '61' }), how: 'sample', rank: 1, probRaw: 0.5, prob: 0.6, surprisalBits: 1, seed: 7, u: 0.25, ...over,
})
const rest = { model: 'm', prompt: 'abc', recipe: { dialect: 'vllm', given: { top_k: 5 }, seed: 3, order: null } }

function session() {
  let { tree, at } = Tree.of([given({ id: 0, text: '<s>', bytes_hex: '', special: true }), pick(1), pick(2)])
  ;({ tree, at } = tree.grow(1, pick(3, { how: 'hand', surprisalBits: Infinity, probRaw: 0, seed: null, u: null, end: true })))
  tree = tree.named(at, 'the other end')
  return { tree, at }
}

// Mutation: forget a field of a pick in save() or pickOf() -> red.
test('a session saved as JSON text and restored is the same tree, settings and place', () => {
  const { tree, at } = session()
  const back = restore(JSON.parse(JSON.stringify(save(tree, at, rest))))
  expect(back.tree.nodes()).toEqual(tree.nodes())
  expect([back.at, back.session.recipe, back.session.prompt]).toEqual([at, rest.recipe, 'abc'])
})

// Mutation: in Tree.from(), forget `last`, what is known, the visit of it, or trim() -> red.
test('a tree restored at once is the one that grows node by node', () => {
  const nodes = [
    [null, 0], [0, 1], [1, 2], [2, 3], [1, 4, ' a fork '], [4, 5], [0, 6], [6, 7],
    [0, 1], [8, 2, 'met again'], [9, 3], // the same tokens once more: no new branch, but where "forward" leads
    [10, 8], [5, 9], [1, 4, '  '], [0, 6], [4, 5],
  ] as const
  const saved = { logitpeek: 1, ...rest, at: null, nodes: nodes.map(([parent, id, name]) => ({ parent, id, text: String(id), bytes_hex: '61', how: 'sample', ...(name && { name }) })) }
  let tree = Tree.empty
  const ids: number[] = []
  for (const [parent, id, name] of nodes) {
    const bare = { rank: null, probRaw: null, prob: null, surprisalBits: null, seed: null, u: null }
    const grown = tree.grow(parent === null ? null : (ids[parent] ?? NaN), pick(id, bare))
    ids.push(grown.at)
    tree = name ? grown.tree.named(grown.at, name) : grown.tree
  }
  const byId = (all: Tree) => all.nodes().sort((a, b) => a.id - b.id)
  const back = restore(saved)
  expect(byId(back.tree)).toEqual(byId(tree))
  expect([back.tree.size, back.tree.first, back.at]).toEqual([10, 0, 0])
  expect(byId(restore({ ...saved, at: 7 }).tree)).toEqual(byId(tree.visit(ids[7] ?? NaN)))
  const [one, other] = [tree, back.tree].map((each) => each.grow(3, pick(11)))
  expect(other && byId(other.tree)).toEqual(one && byId(one.tree))
})

test('nodes that were removed leave no hole', () => {
  const { tree, at } = session()
  const saved = save(tree.without(2), at, rest)
  expect(saved.nodes.map((node) => node.parent)).toEqual([null, 0, 1])
  expect(restore(saved).tree.path(restore(saved).at).map((node) => node.pick.token.id)).toEqual([0, 1, 3])
})

test.each([
  [null, 'no logitpeek session'],
  [{ a: 1 }, 'no logitpeek session'],
  [{ logitpeek: 1, prompt: 'x' }, 'incomplete'],
  [{ logitpeek: 1, ...rest, at: 0, nodes: [{ parent: 4, id: 1, text: 'x' }] }, 'Token 0'],
  [{ logitpeek: 1, ...rest, at: 0, nodes: [{ parent: null, id: 1, text: 'x' }, { parent: null, id: 1, text: 'x' }] }, 'Token 1'],
  [{ logitpeek: 1, ...rest, at: 0, nodes: [null] }, 'Token 0'],
])('what is no session is refused in a sentence: %j', (saved, sentence) => {
  expect(() => restore(saved)).toThrow(sentence)
})

test('settings from elsewhere', () => {
  expect(recipeOf({ dialect: 'vllm', given: { top_k: 1 }, seed: 1, order: ['a'] })).toEqual({ dialect: 'vllm', given: { top_k: 1 }, seed: 1, order: ['a'] })
  expect(recipeOf({ dialect: 'vllm', order: [1] })).toEqual({ dialect: 'vllm', given: {}, seed: 42, order: null })
  expect(recipeOf('no')).toBeNull()
})
