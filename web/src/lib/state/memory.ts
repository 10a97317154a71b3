// What a tab remembers of its session over a reload. A long session is kept in pieces, and only those that changed are written:
// 4,000 tokens are most of a megabyte, and writing that after every step would stop the page each time.
import { inOrder, restore, saveNode, type Rest, type SavedNode } from './session'
import type { Tree, TreeNode } from './tree'

const NAME = 'logitpeek.session'
const pieceName = (i: number) => `${NAME}.${i}`

interface Head {
  hash: string
  session: Rest & { logitpeek: 1; at: number | null }
  pieces: number
}

export class Memory {
  readonly #storage: Storage
  readonly #size: number
  #written: readonly (readonly TreeNode[])[] = []

  /** `size`: nodes a piece. */
  constructor(storage: Storage, size = 256) {
    this.#storage = storage
    this.#size = size
  }

  /** Remembers the session under the address it belongs to. */
  keep(hash: string, tree: Tree, at: number | null, rest: Rest): void {
    const { order, number } = inOrder(tree)
    const pieces = Array.from({ length: Math.ceil(order.length / this.#size) }, (_, i) => order.slice(i * this.#size, (i + 1) * this.#size))
    try {
      pieces.forEach((nodes, i) => {
        const old = this.#written[i]
        // The same nodes also have the same numbers: one that goes moves all that were made after it.
        if (old?.length === nodes.length && nodes.every((node, j) => node === old[j])) return
        this.#storage.setItem(pieceName(i), JSON.stringify(nodes.map((node) => saveNode(node, number))))
      })
      for (let i = pieces.length; this.#storage.getItem(pieceName(i)) !== null; i++) this.#storage.removeItem(pieceName(i))
      const head: Head = { hash, session: { logitpeek: 1, ...rest, at: number(at) }, pieces: pieces.length }
      this.#storage.setItem(NAME, JSON.stringify(head))
      this.#written = pieces
    } catch {
      // Full or forbidden: the address still holds the path, only the other branches would not survive a reload.
      this.#storage.removeItem(NAME)
      this.#written = []
    }
  }

  /** What was kept under this very address; null: nothing that can be read. */
  recall(hash: string): ReturnType<typeof restore> | null {
    try {
      const head = JSON.parse(this.#storage.getItem(NAME) ?? 'null') as Head | null
      if (head?.hash !== hash) return null
      const nodes = Array.from({ length: head.pieces }, (_, i) => JSON.parse(this.#storage.getItem(pieceName(i)) ?? 'null') as SavedNode[]).flat()
      return restore({ ...head.session, nodes })
    } catch {
      return null // written by another version: the address will do
    }
  }
}
