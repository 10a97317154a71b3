// A session as JSON: the whole tree, the settings, where one stood. The file that is exported, and what a reload finds again.
import type { DrawMode, Settings, Token } from '../api/wire'
import type { Recipe } from './sampler.svelte'
import { Tree, type Pick, type TreeNode } from './tree'

export interface Session {
  logitpeek: 1
  model: string
  prompt: string
  /** `prompt` is a conversation, as turns.ts writes it. */
  chat?: true
  /** Nodes by number; `parent` is the number of an earlier one. */
  nodes: SavedNode[]
  at: number | null
  recipe: Recipe
}

export interface SavedNode {
  parent: number | null
  id: number
  text: string
  bytes_hex: string
  special?: true
  how: Pick['how']
  rank_raw?: number
  prob_raw?: number
  prob?: number
  /** null where it is infinite. */
  surprisal_bits?: number | null
  seed?: number
  u?: number
  end?: true
  name?: string
}

/** A session but for its tree. */
export type Rest = Omit<Session, 'logitpeek' | 'nodes' | 'at'>

export function save(tree: Tree, at: number | null, rest: Rest): Session {
  const { order, number } = inOrder(tree)
  return { logitpeek: 1, ...rest, nodes: order.map((node) => saveNode(node, number)), at: number(at) }
}

/** Nodes in the order they were made, which puts parents first, and the number of each in it. */
export function inOrder(tree: Tree): { order: TreeNode[]; number: (id: number | null) => number | null } {
  const order = tree.nodes().sort((a, b) => a.id - b.id)
  const numbers = new Map(order.map((node, i) => [node.id, i]))
  return { order, number: (id) => (id === null ? null : (numbers.get(id) ?? null)) }
}

export function saveNode({ parent, pick, name }: TreeNode, number: (id: number | null) => number | null): SavedNode {
  const { token, how, rank, probRaw, prob, surprisalBits, seed, u, end } = pick
  const saved: SavedNode = { parent: number(parent), id: token.id, text: token.text, bytes_hex: token.bytes_hex, how }
  if (token.special) saved.special = true
  if (rank !== null) saved.rank_raw = rank
  if (probRaw !== null) saved.prob_raw = probRaw
  if (prob !== null) saved.prob = prob
  if (surprisalBits !== null) saved.surprisal_bits = Number.isFinite(surprisalBits) ? surprisalBits : null
  if (seed !== null) saved.seed = seed
  if (u !== null) saved.u = u
  if (end) saved.end = true
  if (name !== null) saved.name = name
  return saved
}

/** The tree of a saved session; throws a sentence that says what is wrong with it. */
export function restore(saved: unknown): { session: Session; tree: Tree; at: number | null } {
  if (!isRecord(saved) || saved.logitpeek !== 1) throw new Error('This is no logitpeek session: it has no "logitpeek": 1.')
  const session = saved as unknown as Session
  if (!Array.isArray(session.nodes) || typeof session.prompt !== 'string' || !isRecord(session.recipe) || typeof session.recipe.dialect !== 'string')
    throw new Error('This session is incomplete: it needs prompt, nodes and recipe.')
  const { tree, ids } = Tree.from(
    session.nodes.map((node, i) => {
      const before = isRecord(node) && (node.parent === null || (Number.isInteger(node.parent) && node.parent >= 0 && node.parent < i))
      if (!before || typeof node.id !== 'number' || typeof node.text !== 'string') throw new Error(`Token ${i} of this session cannot be read.`)
      if (node.parent === null && i > 0) throw new Error(`Token ${i} of this session has nothing before it.`)
      return { parent: node.parent, pick: pickOf(node), name: typeof node.name === 'string' ? node.name : null }
    }),
  )
  const at = session.at === null ? null : (ids[session.at] ?? null)
  return { session, tree: at === null ? tree : tree.visit(at), at: at ?? tree.first }
}

const HOW = new Set<string>(['prompt', 'hand', 'sample', 'greedy'])

function pickOf(node: SavedNode): Pick {
  const token: Token = { id: node.id, text: node.text, bytes_hex: String(node.bytes_hex), ...(node.special ? { special: true } : {}) }
  const how = (HOW.has(node.how) ? node.how : 'hand') as DrawMode | 'hand' | 'prompt'
  return {
    token, how, rank: node.rank_raw ?? null, probRaw: node.prob_raw ?? null, prob: node.prob ?? null,
    surprisalBits: node.surprisal_bits === null ? Infinity : (node.surprisal_bits ?? null), seed: node.seed ?? null, u: node.u ?? null, end: node.end === true,
  }
}

/** Settings from elsewhere: a recipe, or null where it is none. */
export function recipeOf(value: unknown): Recipe | null {
  if (!isRecord(value) || typeof value.dialect !== 'string') return null
  const given = isRecord(value.given) ? (value.given as Settings) : {}
  const order = Array.isArray(value.order) && value.order.every((stage) => typeof stage === 'string') ? (value.order as string[]) : null
  return { dialect: value.dialect, given, seed: typeof value.seed === 'number' ? value.seed : 42, order }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
