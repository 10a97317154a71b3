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
])('what is no session is refused in a sentence: %j', (saved, sentence) => {
  expect(() => restore(saved)).toThrow(sentence)
})

test('settings from elsewhere', () => {
  expect(recipeOf({ dialect: 'vllm', given: { top_k: 1 }, seed: 1, order: ['a'] })).toEqual({ dialect: 'vllm', given: { top_k: 1 }, seed: 1, order: ['a'] })
  expect(recipeOf({ dialect: 'vllm', order: [1] })).toEqual({ dialect: 'vllm', given: {}, seed: 42, order: null })
  expect(recipeOf('no')).toBeNull()
})
