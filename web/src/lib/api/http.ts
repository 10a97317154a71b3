import { Failure, type Backend, type DrawRequest, type GenerateRequest, type Message, type NextRequest, type Place } from './backend'
import { eventsOf } from './events'
import { dialHome, Line, type Answer, type Dial } from './line'
import type {
  CodeTarget, Comparison, Dialects, Draw, Found, FoundModel, Generated, Next, PathAnswer, Sampled, Status, StopReason, Sweep, Tokenized, Wanted,
} from './wire'

type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** A lost server is noticed at once; this is for one that hangs. A long prompt on a slow CPU may honestly take minutes. */
const PATIENCE_MS = 600_000

export class HttpBackend implements Backend {
  readonly #root: string
  readonly #fetch: Fetch
  readonly #line: Line

  constructor(root = '/api/v1', fetcher: Fetch = (url, init) => fetch(url, init), dial: Dial = dialHome) {
    this.#root = root
    this.#fetch = fetcher
    this.#line = new Line(dial, PATIENCE_MS)
  }

  async status(): Promise<Status> {
    const status = await this.#ask<Status>('/status')
    if (status.socket_port) this.#line.reach(status.socket_port)
    return status
  }

  dialects(): Promise<Dialects> {
    return this.#ask<Dialects>('/dialects')
  }

  async models(): Promise<FoundModel[]> {
    return (await this.#ask<{ models: FoundModel[] }>('/models')).models
  }

  load(name: string): Promise<Status> {
    return this.#ask<Status>('/model', { name })
  }

  tokenize(text: string): Promise<Tokenized> {
    return this.#ask<Tokenized>('/tokenize', { text })
  }

  chat(messages: readonly Message[]): Promise<Tokenized> {
    return this.#ask<Tokenized>('/chat', { messages })
  }

  next(request: NextRequest): Promise<Next> {
    return this.#askOften<Next>('/next', request)
  }

  draw(request: DrawRequest): Promise<Draw> {
    return this.#ask<Draw>('/draw', request)
  }

  async generate(request: GenerateRequest, ontoken: (token: Generated) => void, signal: AbortSignal): Promise<StopReason> {
    try {
      const response = await this.#send('/generate', request, signal)
      if (!response.ok || !response.body) throw refusal(await response.json(), response.status)
      for await (const { event, data } of eventsOf(response.body)) {
        if (event === 'token') ontoken(data as Generated)
        else if (event === 'done') return (data as { reason: StopReason }).reason
        else if (event === 'error') throw refusal(data, 500)
      }
    } catch (error) {
      if (signal.aborted) return 'cancelled'
      if (error instanceof Failure) throw error
    }
    throw new Failure('gone', 'logitpeek stopped answering in the middle of a text.')
  }

  sample(request: Place & { n: number; top: number }): Promise<Sampled> {
    return this.#ask<Sampled>('/sample', request)
  }

  search(request: Place & { query: string; limit: number }): Promise<Found> {
    return this.#ask<Found>('/search', request)
  }

  path(request: Place): Promise<PathAnswer> {
    return this.#ask<PathAnswer>('/path', request)
  }

  sweep(request: Place & { setting: string; values: readonly number[] }): Promise<Sweep> {
    return this.#ask<Sweep>('/sweep', request)
  }

  compare(request: Omit<Place, 'sampler'> & { a: Wanted; b: Wanted; top: number }): Promise<Comparison> {
    return this.#askOften<Comparison>('/compare', request)
  }

  async code(request: Place): Promise<CodeTarget[]> {
    return (await this.#ask<{ targets: CodeTarget[] }>('/code', request)).targets
  }

  #send(path: string, body: object | undefined, signal: AbortSignal): Promise<Response> {
    const init: RequestInit = { cache: 'no-store', signal }
    if (body) {
      init.method = 'POST'
      init.headers = { 'content-type': 'application/json' }
      init.body = JSON.stringify(body)
    }
    return this.#fetch(this.#root + path, init)
  }

  /** What a hand that drags asks: over the line, where there is one. These questions change nothing, so one that nobody answered is asked again. */
  async #askOften<T>(path: string, body: object): Promise<T> {
    const answer = this.#line.open ? await this.#line.ask(path, body).catch(() => null) : null
    return answer ? taken<T>(answer) : this.#ask<T>(path, body)
  }

  async #ask<T>(path: string, body?: object): Promise<T> {
    let answer: Answer
    try {
      const response = await this.#send(path, body, AbortSignal.timeout(PATIENCE_MS))
      answer = { status: response.status, body: await response.json() }
    } catch {
      // A refused connection, a cut one, and an answer that is not JSON all mean: no logitpeek there.
      throw new Failure('gone', 'logitpeek does not answer.')
    }
    return taken<T>(answer)
  }
}

function taken<T>({ status, body }: Answer): T {
  if (status !== 200) throw refusal(body, status)
  return body as T
}

function refusal(answer: unknown, status: number): Failure {
  const error = isRecord(answer) && isRecord(answer.error) ? answer.error : {}
  const message = typeof error.message === 'string' ? error.message : `The server answered with status ${status}.`
  const code = typeof error.code === 'string' ? error.code : String(status)
  return new Failure('refused', message, code, typeof error.field === 'string' ? error.field : null)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
