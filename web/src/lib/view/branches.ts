// The tree of sentences as a drawing: one row per branch, one column per token. The branch begun first goes straight on; every other leaves it downwards.
import { weigh, type Tree, type TreeNode } from '../state/tree'
import { runningText } from './bytes'

/** A run of tokens without a fork. */
export interface Run {
  /** Its nodes, in order; the last one forks or ends. */
  nodes: TreeNode[]
  /** Columns: tokens before its first one, and through its last one. */
  from: number
  to: number
  row: number
  /** The row it leaves; its own where it goes straight on. */
  leaves: number
  depth: number
}

export interface Drawing {
  runs: Run[]
  rows: number
  columns: number
}

export function draw(tree: Tree): Drawing {
  const runs: Run[] = []
  let rows = 0
  let columns = 0
  // Depth first, the first child before the others, so that a row is taken when its branch is reached. No recursion: a sentence may be long.
  const waiting: { id: number; from: number; leaves: number | null; depth: number }[] = []
  if (tree.first !== null) waiting.push({ id: tree.first, from: 0, leaves: null, depth: 0 })
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const nodes = [tree.node(next.id)]
    for (let node = nodes[0]; node && node.children.length === 1; ) {
      node = tree.node(node.children[0] ?? -1)
      nodes.push(node)
    }
    const to = next.from + nodes.length
    const straight = next.leaves !== null && nodes[0]?.parent != null && tree.node(nodes[0].parent).children[0] === next.id
    const row = straight && next.leaves !== null ? next.leaves : rows++
    runs.push({ nodes, from: next.from, to, row, leaves: next.leaves ?? row, depth: next.depth })
    columns = Math.max(columns, to)
    const forks = nodes.at(-1)?.children ?? []
    for (const child of [...forks].reverse()) waiting.push({ id: child, from: to, leaves: row, depth: next.depth + (forks.length > 1 ? 1 : 0) })
  }
  return { runs, rows, columns }
}

/** A branch as a table has it. */
export interface Branch {
  leaf: TreeNode
  /** Where it leaves the others. */
  fork: number
  name: string
  weight: ReturnType<typeof weigh>
  /** What it says from there on, or at its end. */
  text: string
  n: number
}

const LONGEST = 60

export function branches(tree: Tree): Branch[] {
  const leaves = tree.leaves()
  return leaves.map((leaf, i) => {
    const path = tree.path(leaf.id)
    const fork = tree.branchOf(leaf.id)
    const own = leaves.length === 1 ? path : path.slice(path.findIndex((node) => node.id === fork))
    const text = runningText(own.map((node) => node.pick.token))
    return {
      leaf, fork, name: leaf.name ?? `branch ${i + 1}`, weight: weigh(path), n: path.length,
      text: text.length > LONGEST ? `…${text.slice(1 - LONGEST)}` : own.length < path.length ? `…${text}` : text,
    }
  })
}

/** What two branches have each for itself, with the log-probability [nats] of its picks added up. */
export function part(tree: Tree, a: number, b: number): { common: number; a: { node: TreeNode; logprob: number }[]; b: { node: TreeNode; logprob: number }[] } {
  const [left, right] = [tree.path(a), tree.path(b)]
  let common = 0
  while (common < left.length && left[common]?.id === right[common]?.id) common++
  const sum = (path: readonly TreeNode[]) => {
    let logprob = 0
    return path.slice(common).map((node) => ({ node, logprob: (logprob += node.pick.probRaw === null ? 0 : Math.log(node.pick.probRaw)) }))
  }
  return { common, a: sum(left), b: sum(right) }
}
