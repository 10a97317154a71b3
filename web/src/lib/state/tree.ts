// The tree of sentences: a node is a token, a path from the root a sentence, a fork two ways to go on. Immutable: every
// change gives a new tree that shares the old one's nodes, so that undo is keeping the old one.
import type { DrawMode, Token } from '../api/wire'

/** How a token came to stand there, and what the model thought of it then. `prompt`: it was given. */
export interface Pick {
  token: Token
  how: DrawMode | 'hand' | 'prompt'
  rank: number | null
  probRaw: number | null
  prob: number | null
  surprisalBits: number | null
  seed: number | null
  u: number | null
  end: boolean
}

export interface TreeNode {
  id: number
  /** null: it begins a text. */
  parent: number | null
  pick: Pick
  children: readonly number[]
  /** The child that was visited last: where "forward" leads. */
  last: number | null
  name: string | null
}

/** A node before it is in a tree; `parent` is its place in a list. */
export interface Seedling {
  parent: number | null
  pick: Pick
  name: string | null
}

export const given = (token: Token): Pick => ({
  token, how: 'prompt', rank: null, probRaw: null, prob: null, surprisalBits: null, seed: null, u: null, end: false,
})

export class Tree {
  readonly #nodes: ReadonlyMap<number, TreeNode>
  readonly #next: number
  readonly first: number | null

  private constructor(nodes: ReadonlyMap<number, TreeNode>, next: number, first: number | null) {
    this.#nodes = nodes
    this.#next = next
    this.first = first
  }

  static readonly empty = new Tree(new Map(), 0, null)

  /** A tree of one path; `at` is its last node. */
  static of(picks: readonly Pick[]): { tree: Tree; at: number | null } {
    return Tree.empty.grow(null, ...picks)
  }

  /**
   * A whole tree at once: what growing by one pick after the other gives, which would copy all nodes for each. A parent stands before its
   * children in `all`; `ids` has the node of each.
   */
  static from(all: readonly Seedling[]): { tree: Tree; ids: number[] } {
    const nodes = new Map<number, TreeNode & { children: number[] }>()
    const known = new Map<string, number>() // by parent and token
    const ids: number[] = []
    for (const { parent: place, pick, name } of all) {
      const above = place === null ? undefined : nodes.get(ids[place] ?? -1)
      if (!above && (place !== null || nodes.size > 0)) throw new Error('a tree has one beginning, and all else follows what is there')
      const key = `${above?.id ?? ''} ${pick.token.id}`
      const met = known.get(key)
      const node = nodes.get(met ?? -1) ?? { id: nodes.size, parent: above?.id ?? null, pick, children: [], last: null, name: null }
      if (name) node.name = name.trim() || null
      ids.push(node.id)
      if (above) above.last = node.id
      if (met === undefined) {
        known.set(key, node.id)
        nodes.set(node.id, node)
        above?.children.push(node.id)
      } else {
        // Like grow(), which visits what was there already.
        for (let child = above; child && child.parent !== null; ) {
          const parent = nodes.get(child.parent)
          if (parent) parent.last = child.id
          child = parent
        }
      }
    }
    return { tree: new Tree(nodes, nodes.size, nodes.size > 0 ? 0 : null), ids }
  }

  get size(): number {
    return this.#nodes.size
  }

  node(id: number): TreeNode {
    const node = this.#nodes.get(id)
    if (!node) throw new Error(`no node ${id} in this tree`)
    return node
  }

  has = (id: number): boolean => this.#nodes.has(id)

  /** Goes on from `at` (null: begins the text) with one pick after the other. The same token twice from one place is one branch, not two. */
  grow(at: number | null, ...picks: readonly [Pick, ...Pick[]]): { tree: Tree; at: number }
  grow(at: number | null, ...picks: readonly Pick[]): { tree: Tree; at: number | null }
  grow(at: number | null, ...picks: readonly Pick[]): { tree: Tree; at: number | null } {
    if (at === null && this.first !== null && picks.length > 0) throw new Error('a tree has one beginning')
    const nodes = new Map(this.#nodes)
    let next = this.#next
    let met: number | null = null // the last node that was there already
    for (const pick of picks) {
      const parent = at === null ? undefined : nodes.get(at)
      const known: number | undefined = parent?.children.find((child) => nodes.get(child)?.pick.token.id === pick.token.id)
      if (known !== undefined) {
        at = met = known
        continue
      }
      nodes.set(next, { id: next, parent: at, pick, children: [], last: null, name: null })
      if (parent) nodes.set(parent.id, { ...parent, children: [...parent.children, next], last: next })
      at = next++
    }
    const grown = new Tree(nodes, next, this.first ?? (picks.length > 0 ? this.#next : null))
    return { tree: met === null ? grown : grown.visit(met), at }
  }

  /** The same tree, with "forward" leading to `id` from every node above it. */
  visit(id: number): Tree {
    let nodes: Map<number, TreeNode> | null = null
    for (let child = this.node(id); child.parent !== null; child = this.node(child.parent)) {
      const parent = this.node(child.parent)
      if (parent.last === child.id) continue
      nodes ??= new Map(this.#nodes)
      nodes.set(parent.id, { ...(nodes.get(parent.id) ?? parent), last: child.id })
    }
    return nodes ? new Tree(nodes, this.#next, this.first) : this
  }

  /** Without `id` and all that follows it. */
  without(id: number): Tree {
    const { parent } = this.node(id)
    if (parent === null) return Tree.empty
    const nodes = new Map(this.#nodes)
    const gone = [id]
    for (let next = gone.pop(); next !== undefined; next = gone.pop()) {
      gone.push(...this.node(next).children)
      nodes.delete(next)
    }
    const above = this.node(parent)
    const children = above.children.filter((child) => child !== id)
    nodes.set(parent, { ...above, children, last: above.last === id ? (children.at(-1) ?? null) : above.last })
    return new Tree(nodes, this.#next, this.first)
  }

  named(id: number, name: string): Tree {
    const nodes = new Map(this.#nodes)
    nodes.set(id, { ...this.node(id), name: name.trim() === '' ? null : name.trim() })
    return new Tree(nodes, this.#next, this.first)
  }

  /** From the beginning to `id`, itself included. */
  path(id: number | null): TreeNode[] {
    const path: TreeNode[] = []
    for (let at = id; at !== null; at = this.node(at).parent) path.push(this.node(at))
    return path.reverse()
  }

  /** What follows `id` where one last went. */
  ahead(id: number | null): TreeNode[] {
    const ahead: TreeNode[] = []
    for (let at = id === null ? this.first : this.node(id).last; at !== null; at = this.node(at).last) ahead.push(this.node(at))
    return ahead
  }

  /** The ends of all branches, in the order they were begun. */
  leaves(): TreeNode[] {
    return [...this.#nodes.values()].filter((node) => node.children.length === 0).sort((a, b) => a.id - b.id)
  }

  /** Where the branch that ends in `leaf` leaves what came before: the node below the last fork above it. */
  branchOf(leaf: number): number {
    let at = this.node(leaf)
    while (at.parent !== null && this.node(at.parent).children.length === 1) at = this.node(at.parent)
    return at.id
  }

  nodes(): TreeNode[] {
    return [...this.#nodes.values()]
  }
}

/** Sum of the raw log-probabilities [nats] of the picks among `path`, and the perplexity per pick; null without a pick. */
export function weigh(path: readonly TreeNode[]): { picks: number; logprob: number; perplexity: number } | null {
  const picks = path.filter(({ pick }) => pick.probRaw !== null)
  if (picks.length === 0) return null
  const logprob = picks.reduce((sum, { pick }) => sum + Math.log(pick.probRaw ?? 1), 0)
  return { picks: picks.length, logprob, perplexity: Math.exp(-logprob / picks.length) }
}

/** The same tokens. */
export const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((x, i) => x === b[i])
