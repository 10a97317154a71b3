// The metrics with their definitions, the present numbers put in.
import type { Metrics, Next, PathAnswer, PathToken } from '../api/wire'
import { spoken } from './bytes'
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
  /** Its entry in docs/definitions.md. */
  definition: string
  /** The same number at every earlier place of the sentence, as far as the core gives it. */
  along?: ((token: PathToken) => number | null) | undefined
  /** And now, for the end of that line. */
  now?: number | null
}

const INFINITE = '∞'

/** `last`: the token one stands on and what it was drawn from; unknown until the core has said, or where the text begins. */
export function readings(next: Next, last: PathToken | null = null): Reading[] {
  const m = next.metrics
  return [
    surprisal(last),
    {
      key: 'entropy',
      definition: 'D9',
      along: (token) => token.entropy_bits,
      now: m.entropy_bits,
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
      definition: 'D10',
      along: (token) => token.perplexity,
      now: m.perplexity,
      label: 'perplexity',
      value: choices(m.perplexity),
      unit: '',
      note: 'as many equal choices',
      explanation:
        `2^H: a fair die with this many sides would be as uncertain. Here 2^${bits(m.entropy_bits)} = ${choices(m.perplexity)}.`,
    },
    {
      key: 'effective_vocab',
      definition: 'D11',
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
      definition: 'D1',
      along: (token) => token.top1_prob,
      now: m.top1_prob,
      label: 'top-1',
      value: percent(m.top1_prob),
      unit: '',
      note: 'chance of the leader',
      explanation: `The largest probability: the leader is drawn ${percent(m.top1_prob)} of the time, and always by Greedy.`,
    },
    kl('kl_final_raw', 'KL(final ‖ raw)', m.kl_final_raw_bits, m,
      'Σ final · log₂(final ÷ raw): what it costs, in bits a token, to describe what is drawn with the model’s own probabilities.', 'D12, D13', m.kl_shaped_raw_bits, (token) => token.kl_final_raw_bits),
    kl('kl_raw_final', 'KL(raw ‖ final)', m.kl_raw_final_bits, m,
      'Σ raw · log₂(raw ÷ final): what it costs to describe the model with the probabilities that are drawn from.', 'D12, D13', m.kl_raw_shaped_bits, (token) => token.kl_raw_final_bits),
  ]
}

function surprisal(last: PathToken | null): Reading {
  const says = '−log₂ p of the token that came, p being the model’s own probability, before any setting: 1 bit at even odds, 10 bits at 1 in 1,024.'
  const shared = { key: 'surprisal', label: 'surprisal', definition: 'D14', along: (token: PathToken) => token.surprisal_raw_bits }
  if (!last) return { ...shared, value: '–', unit: '', note: 'nothing came before', explanation: `${says} The first token of a text comes from nothing.` }
  const here = `Here ${spoken(last)} had ${percent(last.prob_raw)}, rank ${count(last.rank_raw)}`
  return last.surprisal_raw_bits === null
    ? { ...shared, value: INFINITE, unit: '', note: `of ${spoken(last)}`, explanation: `${says} ${here}: the model rules it out.` }
    : { ...shared, value: bits(last.surprisal_raw_bits), unit: 'bits', note: `of ${spoken(last)}`,
        explanation: `${says} ${here}: ${bits(last.surprisal_raw_bits)} bits, where ${bits(last.entropy_raw_bits)} were to be expected.` }
}

/** A reading along the sentence, ending where one stands. Surprisal ends with the last token; the others speak of the next one. */
export function series(reading: Reading, path: PathAnswer): (number | null)[] {
  if (!reading.along) return []
  const before = path.tokens.map(reading.along)
  return reading.now === undefined ? before : [...before, reading.now]
}

/** `shaped`: the same before anything was cut, which stays finite where this does not. */
function kl(key: string, label: string, value: number | null, m: Metrics, says: string, definition: string, shaped: number | null, along: Reading['along']): Reading {
  const shared = { key, label, definition, along, now: value }
  const before = shaped === null ? '' : ` Before anything is cut, of what penalties and temperature alone have done, it is ${bits(shaped)} bits.`
  if (value === null) {
    const mass = percent(m.mass_cut)
    return {
      ...shared, value: INFINITE, unit: '', note: `${mass} was cut`,
      explanation:
        `${says} Infinite here: tokens that hold ${mass} by the model’s own account can no longer be drawn, and no number of bits describes what never happens.${before}`,
    }
  }
  return {
    ...shared, value: bits(value), unit: 'bits', note: value === 0 ? 'no difference' : '',
    explanation: `${says} Here ${bits(value)} bits${value === 0 ? ': the two are the same' : ''}.${before}`,
  }
}
