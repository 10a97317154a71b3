// What has been written: the text in the field, the tree of sentences that grew from it, where one stands, and the way back through all of it.
// It asks nobody anything; whoever changes it says what becomes of the picture.
import type { Token } from '../api/wire'
import { History } from './history'
import { Tree, type Pick, type TreeNode } from './tree'

/** What undo brings back. */
export interface Moment {
  tree: Tree
  at: number | null
  applied: string | null
  asChat: boolean
}

export class Writing {
  /** The text in the field; a conversation is written as turns.ts does. */
  draft = $state('')
  /** The text whose tokens are on show. */
  applied = $state<string | null>(null)
  /** The text goes through the model's chat template. */
  asChat = $state(false)
  tree = $state.raw<Tree>(Tree.empty)
  /** The node one stands on: the last token of the context. */
  at = $state<number | null>(null)
  canUndo = $state(false)
  canRedo = $state(false)

  /** From the first token to the one we stand on. */
  readonly path: readonly TreeNode[] = $derived(this.tree.path(this.at))
  /** What follows where one last went. */
  readonly ahead: readonly TreeNode[] = $derived(this.tree.ahead(this.at))
  /** How many tokens the prompt has, wherever one stands. */
  readonly promptTokens: number = $derived(this.tree.nodes().filter((node) => node.pick.how === 'prompt').length)
  readonly tokens: readonly number[] = $derived(this.path.map((node) => node.pick.token.id))
  readonly promptLength: number = $derived(leading(this.path))
  readonly prompt: readonly Token[] = $derived(this.path.slice(0, this.promptLength).map((node) => node.pick.token))
  readonly picks: readonly Pick[] = $derived(this.path.slice(this.promptLength).map((node) => node.pick))
  readonly lastPick: Pick | null = $derived(this.picks.at(-1) ?? null)
  readonly draftPending: boolean = $derived(this.applied !== this.draft)
  /** Nothing was picked yet, on any branch. */
  readonly untouched: boolean = $derived(this.tree.nodes().every((node) => node.pick.how === 'prompt'))

  readonly #history = new History<Moment>()
  /** How the text on show was read, while `asChat` may already say otherwise. */
  #heldAsChat = false

  grow(...picks: readonly Pick[]): void {
    ;({ tree: this.tree, at: this.at } = this.tree.grow(this.at, ...picks))
  }

  name(id: number, name: string): void {
    this.note()
    this.tree = this.tree.named(id, name)
  }

  /** The text whose tokens are about to be on show. */
  protected hold(text: string): void {
    this.applied = text
    this.#heldAsChat = this.asChat
  }

  moment(): Moment {
    return { tree: this.tree, at: this.at, applied: this.applied, asChat: this.#heldAsChat }
  }

  /** Something is about to change that undo shall bring back. */
  note(): void {
    this.#history.note(this.moment())
    this.#count()
  }

  /** One step back or on; false where there is none. */
  protected step(which: 'undo' | 'redo'): boolean {
    const moment = this.#history[which](this.moment())
    if (!moment) return false
    this.put(moment)
    this.#count()
    return true
  }

  protected put(moment: Moment): void {
    if (moment.applied !== this.applied) this.draft = moment.applied ?? this.draft // else what is being typed stays
    ;({ tree: this.tree, at: this.at, applied: this.applied, asChat: this.asChat } = moment)
    this.#heldAsChat = moment.asChat
  }

  #count(): void {
    this.canUndo = this.#history.canUndo
    this.canRedo = this.#history.canRedo
  }
}

/** How many tokens of a path are the prompt. */
function leading(path: readonly TreeNode[]): number {
  const first = path.findIndex((node) => node.pick.how !== 'prompt')
  return first < 0 ? path.length : first
}
