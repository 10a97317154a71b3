// What the page asks of a core. One implementation speaks HTTP; one in WebAssembly can stand beside it.
import type {
  CodeTarget, Comparison, Dialects, Draw, DrawMode, Found, FoundModel, Generated, Next, PathAnswer, Sampled, Status, StopReason, Sweep, Tokenized, Wanted,
} from './wire'

/** Where in a text a question is asked, and under which settings. */
export interface Place {
  tokens: readonly number[]
  /** How many of them are the prompt: some engines' penalties look at the rest only. */
  prompt_length: number
  sampler: Wanted
}

export interface NextRequest extends Place {
  top: number
  trace: true
  /** Rows wanted whatever their rank. */
  ids?: readonly number[]
  curve?: true
}

export interface DrawRequest extends Place {
  mode: DrawMode
}

export interface GenerateRequest extends DrawRequest {
  n: number
  /** A pause after each token, so that one can watch. */
  delay_ms: number
}

export interface Message {
  role: string
  content: string
}

export interface Backend {
  status(): Promise<Status>
  dialects(): Promise<Dialects>
  models(): Promise<FoundModel[]>
  /** Loads another model; returns when it is there. */
  load(name: string): Promise<Status>
  tokenize(text: string): Promise<Tokenized>
  chat(messages: readonly Message[]): Promise<Tokenized>
  next(request: NextRequest): Promise<Next>
  draw(request: DrawRequest): Promise<Draw>
  /** Tokens as they come; ends with the reason. Aborting `signal` stops the model too. */
  generate(request: GenerateRequest, ontoken: (token: Generated) => void, signal: AbortSignal): Promise<StopReason>
  sample(request: Place & { n: number; top: number }): Promise<Sampled>
  search(request: Place & { query: string; limit: number }): Promise<Found>
  path(request: Place): Promise<PathAnswer>
  sweep(request: Place & { setting: string; values: readonly number[] }): Promise<Sweep>
  compare(request: Omit<Place, 'sampler'> & { a: Wanted; b: Wanted; top: number }): Promise<Comparison>
  code(request: Place): Promise<CodeTarget[]>
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
