// A long sentence in stretches: what happens in one of them is no business of the others, neither for what is computed nor for what is drawn.
import type { TreeNode } from '../state/tree'
import { clusters, leftward, runningText, type Cluster } from './bytes'

export interface Stretch {
  /** How many tokens of the sentence come before it. */
  from: number
  nodes: readonly TreeNode[]
  /** Its tokens, those that share a character together; counted from the beginning of the stretch. */
  groups: readonly Cluster[]
  /** Something in it runs from right to left. */
  leftward: boolean
  /** How many of its tokens lie before where one stands. */
  stood: number
  /** What these say. */
  text: string
}

export interface Sentence {
  stretches: readonly Stretch[]
  /** How many tokens lie before where one stands. */
  stood: number
  /** One stands near where one stood a moment ago. */
  near: boolean
}

export const LONG = 128
/** Steps that can be followed with the eyes. */
const FEW = 16

export const NOTHING: Sentence = { stretches: [], stood: 0, near: true }

/** The sentence `path` and what lies `ahead`. A stretch of `before` in which nothing changed is the same object. */
export function sentence(before: Sentence, path: readonly TreeNode[], ahead: readonly TreeNode[], long = LONG): Sentence {
  const line = [...path, ...ahead]
  const stretches: Stretch[] = []
  for (let from = 0; from < line.length; ) {
    let to = Math.min(line.length, from + long)
    while (to < line.length && goesOn(line[to])) to++
    const nodes = line.slice(from, to)
    const stood = Math.max(0, Math.min(nodes.length, path.length - from))
    stretches.push(renewed(before.stretches[stretches.length], { from, nodes, stood }))
    from = to
  }
  return { stretches, stood: path.length, near: Math.abs(path.length - before.stood) <= FEW }
}

/** Stretches drawn with one frame (two take two frames, which is no sooner and less smooth), where all that changed in them is how far one has come. */
const MOST = 1

/** The next thing to draw on the way from `drawn` to `whole`: after a leap what is near at once, the rest with the frames that follow. */
export function towards(drawn: readonly Stretch[], { stretches, stood }: Sentence): readonly Stretch[] {
  const late = stretches.flatMap((stretch, i) => (stretch !== drawn[i] && stretch.groups === drawn[i]?.groups ? [i] : []))
  const away = (i: number) => Math.abs((stretches[i]?.from ?? 0) + LONG / 2 - stood)
  const later = new Set(late.sort((a, b) => away(a) - away(b)).slice(MOST))
  return later.size === 0 ? stretches : stretches.map((stretch, i) => (later.has(i) ? (drawn[i] ?? stretch) : stretch))
}

/** A token that begins with a byte from 0x80 to 0xBF may be in the middle of a character. */
const goesOn = (node: TreeNode | undefined) => /^[89ab]/i.test(node?.pick.token.bytes_hex ?? '')

function renewed(old: Stretch | undefined, { from, nodes, stood }: Pick<Stretch, 'from' | 'nodes' | 'stood'>): Stretch {
  const same = old?.from === from && old.nodes.length === nodes.length && old.nodes.every((node, i) => node === nodes[i])
  if (same && old.stood === stood) return old
  const tokens = nodes.map((node) => node.pick.token)
  return same
    ? { ...old, stood, text: runningText(tokens.slice(0, stood)) }
    : { from, nodes, stood, groups: clusters(tokens), leftward: leftward(runningText(tokens)), text: runningText(tokens.slice(0, stood)) }
}
