// What the page asks of a core. One implementation speaks HTTP; one in WebAssembly can stand beside it.
import type { Draw, DrawMode, Next, Sampler, Status, Tokenized } from './wire'

export interface NextRequest {
  tokens: number[]
  sampler: Sampler
  top: number
  trace: true
}

export interface DrawRequest {
  tokens: number[]
  sampler: Sampler
  mode: DrawMode
}

export interface Backend {
  status(): Promise<Status>
  tokenize(text: string): Promise<Tokenized>
  next(request: NextRequest): Promise<Next>
  draw(request: DrawRequest): Promise<Draw>
}

/** `gone`: no answer at all. `refused`: the core answered that it will not, and said why. */
export type FailureKind = 'gone' | 'refused'

export class Failure extends Error {
  readonly kind: FailureKind
  readonly code: string
  readonly field: string | null

  constructor(kind: FailureKind, message: string, code = kind as string, field: string | null = null) {
    super(message)
    this.kind = kind
    this.code = code
    this.field = field
  }
}
