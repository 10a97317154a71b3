// Questions over a WebSocket. A request over HTTP costs a browser six times as much (docs/performance.md), and what a slider asks while it is
// dragged it asks sixty times a second. Whoever asks here has to be ready to ask elsewhere: a line need not be there, and may break.

/** The server's words to one question. */
export interface Answer {
  status: number
  body: unknown
}

/** As much of a WebSocket as a line needs. */
export type Wire = Pick<WebSocket, 'send' | 'close' | 'addEventListener'>
/** How to reach a port of the machine that the page comes from. */
export type Dial = (port: number) => Wire

interface Waiting {
  answered: (answer: Answer) => void
  broken: (why: Error) => void
  patience: ReturnType<typeof setTimeout>
}

export const dialHome: Dial = (port) => new WebSocket(`ws://${location.hostname}:${port}/`)

export class Line {
  readonly #dial: Dial
  readonly #patience: number
  readonly #waiting = new Map<number, Waiting>()
  #wire: Wire | null = null
  #port: number | null = null
  #asked = 0
  #open = false

  /** `patience`, ms: a line on which an answer takes longer is broken. */
  constructor(dial: Dial, patience: number) {
    this.#dial = dial
    this.#patience = patience
  }

  /** A question may be asked. */
  get open(): boolean {
    return this.#open
  }

  /** The server is to be reached at this port. One that did not let us in is not tried again. */
  reach(port: number): void {
    if (port === this.#port) return
    this.#cut()
    this.#port = port
    try {
      const wire = this.#dial(port)
      this.#wire = wire
      wire.addEventListener('open', () => (this.#open = wire === this.#wire))
      wire.addEventListener('message', ({ data }) => wire === this.#wire && this.#hear(data))
      wire.addEventListener('close', () => wire === this.#wire && this.#cut())
    } catch {
      // A page that came over TLS may not: it has HTTP.
    }
  }

  /** Rejects when the line breaks before the answer has come: nobody knows whether the question was heard. */
  ask(path: string, body: object): Promise<Answer> {
    return new Promise((answered, broken) => {
      const id = ++this.#asked
      this.#waiting.set(id, { answered, broken, patience: setTimeout(() => this.#cut(), this.#patience) })
      this.#wire?.send(JSON.stringify({ id, path, body }))
    })
  }

  #hear(message: unknown): void {
    const { id, ...answer } = JSON.parse(String(message)) as Answer & { id: number }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(waiting?.patience)
    waiting?.answered(answer)
  }

  #cut(): void {
    // One that was open may be opened again: the server may have been started anew.
    if (this.#open) this.#port = null
    this.#open = false
    this.#wire?.close()
    this.#wire = null
    for (const { broken, patience } of this.#waiting.values()) {
      clearTimeout(patience)
      broken(new Error('the line broke'))
    }
    this.#waiting.clear()
  }
}
