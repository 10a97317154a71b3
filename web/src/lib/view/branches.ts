// The tree of sentences as a drawing: one row per branch, one column per token. The branch begun first goes straight on; every other leaves it downwards.
import type { Tree, TreeNode } from '../state/tree'

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
