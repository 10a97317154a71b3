import { expect, test } from 'vitest'
import { given, Tree, weigh } from '../state/tree'
import { branches, draw, part } from './branches'

const pick = (id: number, probRaw: number | null = 0.5) => ({ ...given({ id, text: String(id), bytes_hex: '61' }), how: 'hand' as const, probRaw })

/** 1 2 3 4 5, with 6 7 after 2, and 8 after 3. */
function forked() {
  let { tree } = Tree.of([1, 2, 3, 4, 5].map((id) => pick(id)))
  let at: number
  ;({ tree, at } = tree.grow(1, pick(6)))
  ;({ tree, at } = tree.grow(at, pick(7, 0.25)))
  const seven = at
  ;({ tree } = tree.grow(2, pick(8)))
  return { tree, seven }
}
const ids = (nodes: readonly { pick: { token: { id: number } } }[]) => nodes.map((node) => node.pick.token.id)

test('runs between forks, a row per branch, the first branch straight on', () => {
  const { runs, rows, columns } = draw(forked().tree)
  expect(runs.map((run) => [ids(run.nodes), run.from, run.to, run.row, run.leaves])).toEqual([
    [[1, 2], 0, 2, 0, 0],
    [[3], 2, 3, 0, 0],
    [[4, 5], 3, 5, 0, 0],
    [[8], 3, 4, 1, 0],
    [[6, 7], 2, 4, 2, 0],
  ])
  expect([rows, columns]).toEqual([3, 5])
  expect(draw(Tree.empty)).toEqual({ runs: [], rows: 0, columns: 0 })
})

test('a long sentence without a fork is one run', { timeout: 30_000 }, () => {
  const { tree } = Tree.of(Array.from({ length: 4000 }, (_, id) => pick(id)))
  expect(draw(tree).runs.length).toBe(1)
})

// Mutation: make grow() always add a node -> red.
test('the tree: the same token twice is one branch; removing takes all that follows; forward leads where one last was', () => {
  const { tree, seven } = forked()
  expect(ids(tree.path(seven))).toEqual([1, 2, 6, 7])
  expect(tree.grow(2, pick(4)).tree.size).toBe(tree.size)
  expect(ids(tree.visit(4).ahead(0))).toEqual([2, 3, 4, 5])
  expect(ids(tree.visit(seven).ahead(0))).toEqual([2, 6, 7])
  const less = tree.without(2)
  expect([less.size, ids(less.leaves()), ids(less.ahead(0))]).toEqual([4, [7], [2, 6, 7]])
  expect(tree.size).toBe(8)
  expect(ids([tree.node(tree.branchOf(seven))])).toEqual([6])
})

test('a path weighs what its picks weigh; the prompt weighs nothing', () => {
  const { tree, seven } = forked()
  const weight = weigh([{ ...tree.node(0), pick: given(tree.node(0).pick.token) }, ...tree.path(seven).slice(2)])
  expect(weight?.picks).toBe(2)
  expect(weight?.logprob).toBeCloseTo(Math.log(0.125), 12)
  expect(weight?.perplexity).toBeCloseTo(Math.sqrt(8), 12)
  expect(weigh([])).toBeNull()
})

// Mutation: start the sums at the beginning of the text -> red.
test('two branches have a beginning in common, and sums of their own from there', () => {
  const { tree, seven } = forked()
  const five = branches(tree)[0]?.leaf.id ?? -1
  const parted = part(tree, five, seven)
  expect([parted.common, ids(parted.a.map((step) => step.node)), ids(parted.b.map((step) => step.node))]).toEqual([2, [3, 4, 5], [6, 7]])
  expect(parted.a.map((step) => step.logprob / Math.log(0.5))).toEqual([1, 2, 3])
  expect(parted.b.at(-1)?.logprob).toBeCloseTo(Math.log(0.5 * 0.25), 12)
})

test('a branch is told by what it says since it left the others', () => {
  const { tree } = forked()
  expect(branches(tree.named(4, 'mine')).map(({ name, text, n }) => [name, text, n])).toEqual([['mine', '…aa', 5], ['branch 2', '…aa', 4], ['branch 3', '…a', 4]])
})
