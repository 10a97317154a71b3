// For tests only: a core that answers from a small example.
import { Failure, type Backend, type DrawRequest, type GenerateRequest, type Message, type NextRequest } from '../api/backend'
import {
  NEUTRAL, type CodeTarget, type Comparison, type Dialects, type Draw, type Found, type FoundModel, type Generated, type Next, type PathAnswer, type Sampled,
  type Status, type StopReason, type Sweep, type Token, type Tokenized,
} from '../api/wire'
import { example } from '../view/example'

const token = (id: number): Token => ({ id, text: String(id), bytes_hex: '61' })

/** A core with one token a character; draws give 1000 + seed + position. Answers come when told to. */
export class FakeBackend implements Backend {
  file = 'a.gguf'
  name = 'm'
  down = false
  looks: NextRequest[] = []
  draws: DrawRequest[] = []
  held: (() => void)[] | null = null
  /** Lets n more tokens of a stream come. */
  stream: ((n: number) => void) | null = null

  async status(): Promise<Status> {
    this.#check()
    const model = { name: this.name, file: this.file, architecture: 'llama', parameters: 1, quantization: 'F32', vocab_size: 8,
      context_length: 99, file_bytes: 1, bos_id: null, eos_id: 15, chat: true }
    return { version: '0', threads: 1, model }
  }
  async dialects(): Promise<Dialects> {
    this.#check()
    const all = ['temperature', 'top_k', 'top_p', 'seed']
    const dialects = [
      { name: 'logitpeek', sampler: { dialect: 'logitpeek', ...NEUTRAL }, notes: [], settings: Object.keys(NEUTRAL) },
      { name: 'other', sampler: { dialect: 'other', temperature: 0.8, top_k: 40, top_p: 0.9 }, notes: ['odd'], settings: all },
    ]
    return { dialects, settings: [] }
  }
  async tokenize(text: string): Promise<Tokenized> {
    this.#check()
    if (text === 'too long') throw new Failure('refused', 'The text is too long.', 'out_of_range', '/text')
    return { model: 'm', tokens: [...text].map((_, i) => token(i)) }
  }
  async next(request: NextRequest): Promise<Next> {
    this.#check()
    this.looks.push(request)
    if (this.held) await new Promise<void>((resolve) => this.held?.push(resolve))
    return { ...example({ sampler: request.sampler }), model: this.name }
  }
  async draw(request: DrawRequest): Promise<Draw> {
    this.#check()
    this.draws.push(request)
    const seed = request.sampler.seed ?? 0
    const position = request.tokens.length
    const row = { ...example().tokens[0]!, id: 1000 + seed + position, surprisal_bits: 1, end: false }
    return { token: row, mode: request.mode, seed, position, u: request.mode === 'greedy' ? null : 0.5, mirostat_mu: null }
  }
  generate(request: GenerateRequest, ontoken: (token: Generated) => void, signal: AbortSignal): Promise<StopReason> {
    let made = 0
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve('cancelled'))
      this.stream = (n) => {
        for (let i = 0; i < n; i++, made++) {
          const token = { ...example().tokens[0]!, id: 1000 + made, surprisal_bits: 1, end: false }
          ontoken({ token, mode: request.mode, seed: 0, position: made, u: 0.5, mirostat_mu: null, metrics: example().metrics })
        }
        if (made >= request.n) resolve('length')
      }
    })
  }
  async models(): Promise<FoundModel[]> {
    return []
  }
  async load(name: string): Promise<Status> {
    this.file = name
    return this.status()
  }
  async chat(messages: readonly Message[]): Promise<Tokenized> {
    return { model: 'm', tokens: [token(90), ...messages.map((_, i) => token(91 + i)), token(99)] }
  }
  async sample(): Promise<Sampled> {
    return { n: 0, distinct: 0, tokens: [] }
  }
  async search({ query }: { query: string }): Promise<Found> {
    return { query, matches: 1, tokens: example().tokens.slice(0, 1) }
  }
  async path({ tokens }: { tokens: readonly number[] }): Promise<PathAnswer> {
    const all = tokens.slice(1).map((id, i) => ({
      ...token(id), position: i + 1, surprisal_raw_bits: 1, rank_raw: 1, prob_raw: 0.5, entropy_raw_bits: 2, prob: 0.6, surprisal_bits: 0.7, rank: 1,
      cut_by: null, entropy_bits: 1.5, perplexity: 2.8, n_kept: 8, top1_prob: 0.6, kl_final_raw_bits: 0.1, kl_raw_final_bits: 0.1,
    }))
    return { tokens: all, total_logprob_raw: -1, total_logprob: -1, perplexity_raw: 2, perplexity: 2 }
  }
  async sweep({ setting, values }: { setting: string; values: readonly number[] }): Promise<Sweep> {
    const at = { perplexity: 2, top1_prob: 0.5, n_kept: 8, mass_cut: 0, kl_final_raw_bits: 0, kl_raw_final_bits: 0 }
    return { setting, points: values.map((value) => ({ value, entropy_bits: value, ...at })) }
  }
  compare = (): Promise<Comparison> => Promise.reject(new Failure('refused', 'not here'))
  async code(): Promise<CodeTarget[]> {
    return []
  }
  #check() {
    if (this.down) throw new Failure('gone', 'no answer')
  }
}
