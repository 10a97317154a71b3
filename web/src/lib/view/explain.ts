// The metrics with their definitions, the present numbers put in.
import type { Metrics, Next } from '../api/wire'
import { bits, choices, count, percent, plural } from './format'

export interface Reading {
  key: string
  label: string
  value: string
  unit: string
  /** A few words under the number. */
  note: string
  /** The definition, and what it says here. */
  explanation: string
}

const INFINITE = '∞'

export function readings(next: Next): Reading[] {
  const m = next.metrics
  return [
    {
      key: 'entropy',
      label: 'entropy',
      value: bits(m.entropy_bits),
      unit: 'bits',
      note: `the model’s own: ${bits(m.raw_entropy_bits)}`,
      explanation:
        `H = −Σ p log₂ p: how surprised a draw will leave you on average. Here ${bits(m.entropy_bits)} bits over ` +
        `${plural(m.n_kept, 'token')}; the model’s own distribution has ${bits(m.raw_entropy_bits)} bits over ${count(next.vocab_size)}.`,
    },
    {
      key: 'perplexity',
      label: 'perplexity',
      value: choices(m.perplexity),
      unit: '',
      note: 'as many equal choices',
      explanation:
        `2^H: a fair die with this many sides would be as uncertain. Here 2^${bits(m.entropy_bits)} = ${choices(m.perplexity)}.`,
    },
    {
      key: 'effective_vocab',
      label: 'effective vocabulary',
      value: choices(m.effective_vocab),
      unit: '',
      note: `of ${count(m.n_kept)} kept`,
      explanation:
        `1 ÷ Σ p²: two draws agree once in this many times. It counts the tokens that matter, and lets the long tail weigh less ` +
        `than perplexity does. Here two draws give the same token once in ${choices(m.effective_vocab)}.`,
    },
    {
      key: 'top1',
      label: 'top-1',
      value: percent(m.top1_prob),
      unit: '',
      note: 'chance of the leader',
      explanation: `The largest probability: the leader is drawn ${percent(m.top1_prob)} of the time, and always by Greedy.`,
    },
    kl('kl_final_raw', 'KL(final ‖ raw)', m.kl_final_raw_bits, m,
      'Σ final · log₂(final ÷ raw): what it costs, in bits a token, to describe what is drawn with the model’s own probabilities.'),
    kl('kl_raw_final', 'KL(raw ‖ final)', m.kl_raw_final_bits, m,
      'Σ raw · log₂(raw ÷ final): what it costs to describe the model with the probabilities that are drawn from.'),
    kl('kl_shaped_raw', 'KL(shaped ‖ raw)', m.kl_shaped_raw_bits, m,
      'The same for the shaped distribution: after penalty and temperature, before anything is cut.'),
    kl('kl_raw_shaped', 'KL(raw ‖ shaped)', m.kl_raw_shaped_bits, m,
      'The other direction for the shaped distribution. It stays finite while nothing is cut, so it can be compared when the one above cannot.'),
  ]
}

function kl(key: string, label: string, value: number | null, m: Metrics, definition: string): Reading {
  if (value === null) {
    const mass = percent(m.mass_cut)
    return {
      key, label, value: INFINITE, unit: '', note: `${mass} was cut`,
      explanation:
        `${definition} Infinite here: tokens that hold ${mass} by the model’s own account can no longer be drawn, and no number of bits describes what never happens.`,
    }
  }
  return {
    key, label, value: bits(value), unit: 'bits', note: value === 0 ? 'no difference' : '',
    explanation: `${definition} Here ${bits(value)} bits${value === 0 ? ': the two are the same' : ''}.`,
  }
}
