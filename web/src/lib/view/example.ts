// For tests only: one answer of `next`, small enough to check by hand. Logits 5, 4, 3.5, 3, 2.2, 1.5, 0.5, -1;
// temperature 0.8, top-k 5, top-p 0.9; six rows asked for. Figures from a double-precision script, eight digits.
import type { Next, Row, Stage } from '../api/wire'

const TEXTS = [' the', ' a', ' her', ' it', '\n', ' you']
const LOGITS = [5, 4, 3.5, 3, 2.2, 1.5]
const RAW = [0.54616752, 0.2009238, 0.12186645, 0.073915736, 0.033212481, 0.01649283]
const SURPRISAL = [0.87258457, 2.3152796, 3.0366271, 3.7579747, 4.9121307, 5.9220172]
const TEMPERED = [0.63739334, 0.18261625, 0.097747435, 0.052320432, 0.019247611, 0.0080235981]
const TOP_K = [0.64427089, 0.1845867, 0.098802141, 0.052884975, 0.019455295]
const FINAL = [0.69451208, 0.19898104, 0.10650688]

const hexOf = (text: string) => [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('')

const row = (i: number): Row => {
  const logit = LOGITS[i] ?? 0
  const after = (p: number | undefined, l: number) => (p === undefined ? null : { logit: l, prob: p })
  return {
    id: 10 + i, text: TEXTS[i] ?? '', bytes_hex: hexOf(TEXTS[i] ?? ''), rank: i + 1, rank_raw: i + 1, logit,
    prob_raw: RAW[i] ?? 0, prob: FINAL[i] ?? 0, cut_by: i < 3 ? null : i < 5 ? 'top_p' : 'top_k', margin: null,
    surprisal_bits: SURPRISAL[i] ?? null,
    journey: [after(RAW[i], logit), after(TEMPERED[i], logit / 0.8), after(TOP_K[i], logit / 0.8), after(FINAL[i], logit / 0.8), after(FINAL[i], logit / 0.8)],
  }
}

const stage = (over: Partial<Stage> & Pick<Stage, 'stage'>): Stage => ({
  params: {}, active: true, skipped: false, threshold: null, n_in: 8, n_out: 8, mass_out: 1, entropy_in_bits: 1.908008, entropy_bits: 1.908008, ...over,
})

export const example = (over: Partial<Next> = {}): Next => ({
  model: 'example', prompt_tokens: [], vocab_size: 8, position: 0,
  sampler: { dialect: 'logitpeek', repetition_penalty: 1, repeat_last_n: -1, temperature: 0.8, top_k: 5, top_p: 0.9, min_p: 0, seed: 42 },
  ignored: [], notes: [], defaulted: [], boundary: [],
  metrics: {
    entropy_bits: 1.1728713, perplexity: 2.2545997, varentropy_bits2: 0, effective_vocab: 1.8751728, top1_prob: 0.69451208, top5_prob: 1, n_kept: 3,
    raw_entropy_bits: 1.908008, raw_varentropy_bits2: 0, mass_cut: 0.13104223, kl_final_raw_bits: 0.21726768, kl_raw_final_bits: null,
    kl_shaped_raw_bits: 0.03229145, kl_raw_shaped_bits: 0.036015434,
  },
  stages: [
    stage({ stage: 'repetition_penalty', active: false, params: { repetition_penalty: 1, repeat_last_n: -1 } }),
    stage({ stage: 'temperature', params: { temperature: 0.8 }, entropy_bits: 1.6024891 }),
    stage({ stage: 'top_k', params: { top_k: 5 }, n_out: 5, entropy_in_bits: 1.6024891, mass_out: 0.98932507, entropy_bits: 1.5233841 }),
    stage({ stage: 'top_p', params: { top_p: 0.9 }, n_in: 5, entropy_in_bits: 1.5233841, n_out: 3, mass_out: 0.92765973, entropy_bits: 1.1728713 }),
    stage({ stage: 'min_p', params: { min_p: 0 }, active: false, n_in: 3, n_out: 3, entropy_bits: 1.1728713 }),
  ],
  tokens: [0, 1, 2, 3, 4, 5].map(row),
  rest: {
    n: 2, prob_raw: 0.007421187, prob: 0, n_kept: 0,
    journey: [{ n: 2, prob: 0.007421187 }, { n: 2, prob: 0.0026513316 }, { n: 0, prob: 0 }, { n: 0, prob: 0 }, { n: 0, prob: 0 }],
  },
  eval_ms: 0, logits_cached: true, logits_hash: '0', ...over,
})
