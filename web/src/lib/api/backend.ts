// What the page asks of a core. One implementation speaks HTTP; one in WebAssembly can stand beside it.
import type { Dialect, Draw, DrawMode, Next, Status, Tokenized, Wanted } from './wire'

export interface NextRequest {
  tokens: number[]
  /** How many of them are the prompt: some engines' penalties look at the rest only. */
  prompt_length: number
  sampler: Wanted
  top: number
  trace: true
}

export interface DrawRequest {
  tokens: number[]
  prompt_length: number
  sampler: Wanted
  mode: DrawMode
}

export interface Backend {
  status(): Promise<Status>
  dialects(): Promise<Dialect[]>
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
