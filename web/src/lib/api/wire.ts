// The JSON of docs/json.md and docs/http-api.md, as types. Nothing here is computed; names are the wire's.

export interface Token {
  id: number
  text: string
  bytes_hex: string
  special?: boolean
}

/** The settings this page has knobs for. */
export interface Sampler {
  repetition_penalty: number
  repeat_last_n: number
  temperature: number
  top_k: number
  top_p: number
  min_p: number
  seed: number
}

/** What the page asks for: a dialect, and those of its settings that the page has knobs for. */
export type Wanted = Partial<Sampler> & { dialect: string }

/** The core's name of a stage: `temperature`, `top_p`, ... The page has words for the usual ones. */
export type StageName = string

/** A stage, or `mask`: the model's own logit is minus infinity, so no stage had to cut it. */
export type CutBy = StageName

export interface Stage {
  stage: StageName
  params: Partial<Record<string, number | null>>
  active: boolean
  /** Active, but it decided to do nothing this time. */
  skipped: boolean
  threshold: number | null
  n_in: number
  n_out: number
  /** Share of the probability that came in and also comes out. */
  mass_out: number
  entropy_in_bits: number
  entropy_bits: number
}

export interface Waypoint {
  logit: number | null
  prob: number
}

export interface Row extends Token {
  rank: number
  rank_raw: number
  logit: number | null
  prob_raw: number
  prob: number
  cut_by: CutBy | null
  /** By how many nats it missed the edge of what that stage kept. */
  margin: number | null
  surprisal_bits: number | null
  journey?: (Waypoint | null)[]
}

export interface Rest {
  n: number
  prob_raw: number
  prob: number
  n_kept: number
  journey?: { n: number; prob: number }[]
}

export interface Metrics {
  entropy_bits: number
  perplexity: number
  varentropy_bits2: number
  effective_vocab: number
  top1_prob: number
  top5_prob: number
  n_kept: number
  raw_entropy_bits: number
  raw_varentropy_bits2: number
  mass_cut: number
  kl_final_raw_bits: number | null
  kl_raw_final_bits: number | null
  kl_shaped_raw_bits: number | null
  kl_raw_shaped_bits: number | null
}

export interface Next {
  model: string
  prompt_tokens: Token[]
  vocab_size: number
  position: number
  sampler: Wanted
  ignored: { setting: string; reason: string }[]
  notes: string[]
  /** Settings nobody gave, filled in by the dialect. */
  defaulted: string[]
  metrics: Metrics
  stages: Stage[]
  /** Stages that decided within float32 rounding of their boundary. */
  boundary: { index: number; stage: StageName; threshold: number | null; n_out: number }[]
  tokens: Row[]
  rest: Rest
  eval_ms: number
  logits_cached: boolean
  logits_hash: string
}

export interface DrawnToken extends Row {
  end: boolean
}

export type DrawMode = 'sample' | 'greedy'

export interface Draw {
  token: DrawnToken
  mode: DrawMode
  seed: number
  position: number
  u: number | null
  mirostat_mu: number | null
}

export interface Dialect {
  name: string
  /** Its defaults. */
  sampler: Wanted
  notes: string[]
  /** Names of the settings it acts on. */
  settings: string[]
}

export interface Tokenized {
  model: string
  tokens: Token[]
}

export interface ModelInfo {
  name: string
  file: string
  architecture: string
  parameters: number
  quantization: string
  vocab_size: number
  context_length: number
  file_bytes: number
  bos_id: number | null
  eos_id: number | null
}

export interface Status {
  version: string
  model: ModelInfo
  threads: number
}

/** The setting that changes nothing, the default everywhere. */
export const NEUTRAL: Sampler = {
  repetition_penalty: 1,
  repeat_last_n: -1,
  temperature: 1,
  top_k: 0,
  top_p: 1,
  min_p: 0,
  seed: 42,
}
