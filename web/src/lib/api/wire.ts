// The JSON of docs/json.md and docs/http-api.md, as types. Nothing here is computed; names are the wire's.

export interface Token {
  id: number
  text: string
  bytes_hex: string
  special?: boolean
}

export type SettingValue = number | boolean | string | null | readonly SettingValue[] | { readonly [key: string]: SettingValue }

/** Settings by the name dialects.md gives them. */
export type Settings = { readonly [name: string]: SettingValue }

/** What is asked for, or was in force: a dialect and its settings. */
export type Wanted = Settings & { readonly dialect: string; readonly seed?: number }

/** The usual settings, all of them numbers. */
export interface Sampler {
  repetition_penalty: number
  repeat_last_n: number
  temperature: number
  top_k: number
  top_p: number
  min_p: number
  seed: number
}

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
  /** Rows asked for by id, whatever their rank. */
  asked?: Row[]
  /** Probability against rank, at log-spaced ranks: raw by raw rank, final by final rank. */
  curve?: CurvePoint[]
  eval_ms: number
  logits_cached: boolean
  logits_hash: string
}

export interface CurvePoint {
  rank: number
  prob_raw: number
  prob: number
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

/** One event of a stream of tokens. */
export interface Generated extends Draw {
  metrics: Pick<Metrics, 'entropy_bits' | 'perplexity' | 'n_kept' | 'raw_entropy_bits' | 'top1_prob'>
}

export type StopReason = 'length' | 'end_of_text' | 'context_full' | 'cancelled'

/** n independent draws that commit to nothing. */
export interface Sampled {
  n: number
  distinct: number
  tokens: (Row & { count: number; expected: number })[]
}

export interface Found {
  query: string
  matches: number
  tokens: Row[]
}

/** A token of a text that is there, and the distribution it came from. */
export interface PathToken extends Token {
  position: number
  surprisal_raw_bits: number | null
  rank_raw: number
  prob_raw: number
  entropy_raw_bits: number
  prob: number
  surprisal_bits: number | null
  rank: number
  cut_by: CutBy | null
  entropy_bits: number
  perplexity: number
  n_kept: number
  top1_prob: number
  kl_final_raw_bits: number | null
  kl_raw_final_bits: number | null
}

export interface PathAnswer {
  /** Every token that has one before it. */
  tokens: PathToken[]
  total_logprob_raw: number | null
  total_logprob: number | null
  perplexity_raw: number | null
  perplexity: number | null
}

export interface SweepPoint {
  value: number
  entropy_bits: number
  perplexity: number
  top1_prob: number
  n_kept: number
  mass_cut: number
  kl_final_raw_bits: number | null
  kl_raw_final_bits: number | null
}

export interface Sweep {
  setting: string
  points: SweepPoint[]
}

export interface CompareSide {
  sampler: Wanted
  ignored: { setting: string; reason: string }[]
  notes: string[]
  metrics: Metrics
  stages: Stage[]
}

export interface CompareRow extends Token {
  rank: number
  logit: number | null
  prob_raw: number
  prob_a: number
  prob_b: number
  change: number
  cut_by_a: CutBy | null
  cut_by_b: CutBy | null
}

export interface Comparison {
  vocab_size: number
  a: CompareSide
  b: CompareSide
  n_kept_a: number
  n_kept_b: number
  n_common: number
  n_only_a: number
  n_only_b: number
  only_a: Token[]
  only_b: Token[]
  mass_a_only: number
  mass_b_only: number
  total_variation: number
  kl_a_b_bits: number | null
  kl_b_a_bits: number | null
  jensen_shannon_bits: number
  tokens: CompareRow[]
}

/** The settings as something to paste. */
export interface CodeTarget {
  name: string
  language: string
  code: string
  exact: boolean
  notes: string[]
}

export interface FoundModel {
  name: string
  path: string
  place: string
  title: string
  architecture: string
  quantization: string
  file_bytes: number
  parameters: number
  problem: string | null
}

/** A setting as the core describes it. */
export interface SettingInfo {
  name: string
  aliases: string[]
  help: string
  range: string
}

export interface Dialect {
  name: string
  /** Its defaults. */
  sampler: Wanted
  notes: string[]
  /** Names of the settings it acts on. */
  settings: string[]
  /** Its stages at those defaults, in order. */
  chain?: { stage: StageName; off: boolean }[]
}

export interface Dialects {
  dialects: Dialect[]
  settings: SettingInfo[]
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
  /** It has a chat template. */
  chat?: boolean
}

export interface Status {
  version: string
  model: ModelInfo
  threads: number
  loading?: { name: string } | null
  tokens_per_second?: number | null
  /** Where the same is answered over WebSockets. */
  socket_port?: number | null
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
