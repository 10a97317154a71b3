// Keeps the address and the tab's own memory in step with the page, and opens the page from either.
import { Failure } from '../api/backend'
import { read, write, type Address } from './address'
import { Memory } from './memory'
import { save, type Rest, type Session } from './session'
import { given, Tree, type Pick } from './tree'
import type { View } from './view.svelte'
import type { Workbench } from './workbench.svelte'

const HOW = { h: 'hand', s: 'sample', g: 'greedy' } as const

export const sessionOf = (bench: Workbench): Session => save(bench.tree, bench.at, restOf(bench))

const restOf = (bench: Workbench): Rest => ({
  model: bench.status?.model.name ?? '', prompt: bench.applied ?? bench.draft, ...(bench.asChat ? { chat: true as const } : {}), recipe: bench.settings.recipe,
})

export function addressOf(bench: Workbench, view: View): Address {
  const line = [...bench.path, ...bench.ahead]
  const first = line.findIndex((node) => node.pick.how !== 'prompt')
  const n = first < 0 ? line.length : first
  const picks = line.slice(n)
  const prompt = bench.applied ?? bench.draft
  return {
    model: bench.status?.model.name ?? null,
    prompt,
    chat: bench.asChat,
    given: first >= 0 && n < bench.promptTokens ? n : null,
    picks: picks.map((node) => node.pick.token.id),
    how: picks.map((node) => node.pick.how[0]).join(''),
    at: bench.path.length === line.length ? null : bench.path.length,
    recipe: bench.settings.recipe,
    frozen: view.frozen,
    tab: view.tab,
    lesson: view.learn ? view.step + 1 : null,
  }
}

export class Places {
  readonly #bench: Workbench
  readonly #view: View
  readonly #memory: Memory
  #written = ''

  constructor(bench: Workbench, view: View, memory: Storage) {
    this.#bench = bench
    this.#view = view
    this.#memory = new Memory(memory)
  }

  /** From the address, or where it has none, as it was before the reload. False: neither has anything. */
  async open(hash: string): Promise<boolean> {
    const written = read(hash)
    if (!written) return false
    const { recipe, strange } = this.#bench.settings.understand(written.recipe)
    const a = written.frozen && this.#bench.settings.understand(written.frozen)
    const address = { ...written, recipe, frozen: a?.recipe ?? null }
    this.#view.tab = address.tab
    this.#view.frozen = address.frozen
    this.#view.learn = address.lesson !== null
    if (address.lesson !== null) this.#view.staged = this.#view.step = Math.max(0, address.lesson - 1)
    if (!this.#remember(hash)) await this.#visit(address)
    const unknown = [...new Set([...strange, ...(a?.strange ?? [])])]
    if (unknown.length > 0) this.#bench.problem ??= { about: 'said', message: `This address holds what is not known here and was left out: ${unknown.join(', ')}.` }
    return true
  }

  /** Called whenever something changed. */
  note(): void {
    const hash = write(addressOf(this.#bench, this.#view))
    if (hash === this.#written) return
    this.#written = hash
    history.replaceState(null, '', `#${hash}`)
    this.#memory.keep(hash, this.#bench.tree, this.#bench.at, restOf(this.#bench))
  }

  isOwn = (hash: string): boolean => hash.replace(/^#/, '') === this.#written

  /** The whole tree, if this tab remembers it for this very address. */
  #remember(hash: string): boolean {
    const kept = this.#memory.recall(hash.replace(/^#/, ''))
    if (kept === null || kept.session.model !== this.#bench.status?.model.name) return false
    this.#bench.settings.recipe = kept.session.recipe
    this.#bench.open({ tree: kept.tree, at: kept.at, prompt: kept.session.prompt, chat: kept.session.chat === true })
    return true
  }

  async #visit(address: Address): Promise<void> {
    const bench = this.#bench
    const { dialect, given: settings } = address.recipe
    await bench.scene({ prompt: address.prompt, chat: address.chat, dialect, settings })
    bench.settings.recipe = address.recipe
    const other = address.model !== null && bench.status !== null && address.model !== bench.status.model.name
    if (other && address.picks.length > 0) {
      bench.problem = {
        about: 'said',
        message: `This address was made with the model “${address.model}”, which numbers its tokens otherwise: the prompt and settings are here, the ${address.picks.length} picks are not. Load that model and open it again.`,
      }
      return bench.refresh()
    }
    const prompt = bench.path.slice(0, address.given ?? undefined)
    if (prompt.length === 0 || address.picks.length === 0) {
      if (address.at !== null && bench.path[address.at - 1]) bench.stand(bench.path[address.at - 1]?.id ?? 0)
      return bench.refresh()
    }
    let opened = false
    await bench.guard(async () => {
      const ids = [...prompt.map((node) => node.pick.token.id), ...address.picks]
      const { tokens } = await bench.backend.path({ tokens: ids, prompt_length: prompt.length, sampler: bench.settings.wanted })
      const picks = tokens.slice(prompt.length - 1).map((token, i): Pick => ({
        token: { id: token.id, text: token.text, bytes_hex: token.bytes_hex, ...(token.special ? { special: true } : {}) },
        how: HOW[(address.how[i] ?? 'h') as keyof typeof HOW] ?? 'hand',
        rank: token.rank_raw, probRaw: token.prob_raw, prob: token.prob, surprisalBits: token.surprisal_raw_bits ?? Infinity,
        seed: null, u: null, end: token.id === bench.status?.model.eos_id,
      }))
      if (picks.length !== address.picks.length) throw new Failure('refused', 'The tokens of this address cannot be read by this model.')
      // The prompt whole, and the picks where they were made: inside it or at its end.
      let { tree } = Tree.of(bench.path.map((node) => given(node.pick.token)))
      let at = prompt.length - 1
      for (const pick of picks) ({ tree, at } = tree.grow(at, pick))
      const line = tree.path(at)
      bench.open({ tree: tree.visit(at), at: address.at === null ? at : (line[address.at - 1]?.id ?? at), prompt: address.prompt, chat: bench.asChat })
      opened = true
    })
    if (!opened && bench.problem && bench.problem.about !== 'gone')
      bench.problem = { about: 'said', message: `The picks of this address cannot be read: ${bench.problem.message}`, field: bench.problem.field ?? null }
  }
}
