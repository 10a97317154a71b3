import { Failure, type Backend, type DrawRequest, type NextRequest } from './backend'
import type { Dialect, Draw, Next, Status, Tokenized } from './wire'

type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** A lost server is noticed at once; this is for one that hangs. A long prompt on a slow CPU may honestly take minutes. */
const PATIENCE_MS = 600_000

export class HttpBackend implements Backend {
  readonly #root: string
  readonly #fetch: Fetch

  constructor(root = '/api/v1', fetcher: Fetch = (url, init) => fetch(url, init)) {
    this.#root = root
    this.#fetch = fetcher
  }

  status(): Promise<Status> {
    return this.#ask<Status>('/status')
  }

  async dialects(): Promise<Dialect[]> {
    return (await this.#ask<{ dialects: Dialect[] }>('/dialects')).dialects
  }

  tokenize(text: string): Promise<Tokenized> {
    return this.#ask<Tokenized>('/tokenize', { text })
  }

  next(request: NextRequest): Promise<Next> {
    return this.#ask<Next>('/next', request)
  }

  draw(request: DrawRequest): Promise<Draw> {
    return this.#ask<Draw>('/draw', request)
  }

  async #ask<T>(path: string, body?: object): Promise<T> {
    const init: RequestInit = { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) }
    if (body) {
      init.method = 'POST'
      init.headers = { 'content-type': 'application/json' }
      init.body = JSON.stringify(body)
    }
    let response: Response
    let answer: unknown
    try {
      response = await this.#fetch(this.#root + path, init)
      answer = await response.json()
    } catch {
      // A refused connection, a cut one, and an answer that is not JSON all mean: no logitpeek there.
      throw new Failure('gone', 'logitpeek does not answer.')
    }
    if (!response.ok) throw refusal(answer, response.status)
    return answer as T
  }
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
