// The course: what each step sets up, says, asks, and how it knows that it was done. Numbers in the texts are the core's.
import type { Next, Settings, Stage } from '../api/wire'
import { bits, count, percent } from '../view/format'
import { spoken } from '../view/bytes'

/** What a step can see of the page. */
export interface Glance {
  next: Next
  dialect: string
  settings: Settings
  picks: number
  prompt: string
  tab: string
  frozen: boolean
}

export interface Step {
  id: string
  title: string
  scene: { prompt: string; dialect?: string; settings?: Settings }
  /** Short paragraphs. */
  text: readonly string[]
  /** TeX, with the present numbers put in. */
  formulas: (glance: Glance) => readonly string[]
  task: string
  done: (now: Glance) => boolean
  reveal: (now: Glance) => string
  /** A demonstration below the formulas. */
  demo?: 'overflow' | 'offset'
}

export const PEAKED = 'They lived happily ever'
export const SPLIT = 'Once upon a time, there was a little'
export const FLAT = 'The old woman gave him a'
export const LOOP = 'The wind blew and the'

const stage = (now: Glance, name: string): Stage | undefined => now.next.stages.find((each) => each.stage === name)
const value = (now: Glance, name: string): number => {
  const own = now.settings[name]
  return typeof own === 'number' ? own : Number(now.next.sampler[name] ?? NaN)
}
const n2 = (x: number | null) => (x === null ? '\\infty' : x.toFixed(2))
const tex = (text: string) => text.replace(/[\\{}$&#^_%~]/g, (c) => (c === '\\' ? '\\backslash ' : `\\${c}`))
const name = (now: Glance, row: number) => `\\text{“${tex((now.next.tokens[row]?.text ?? '').replace('\n', '\\n'))}”}`
const logit = (now: Glance, row: number) => n2(now.next.tokens[row]?.logit ?? null)
const prob = (now: Glance, row: number) => (now.next.tokens[row]?.prob ?? 0).toPrecision(3)

export const STEPS: readonly Step[] = [
  {
    id: 'softmax',
    title: 'From scores to probabilities',
    scene: { prompt: SPLIT },
    text: [
      'The model gives every token of its vocabulary one number, a logit. Any real number may come; only differences matter.',
      'Softmax turns them into probabilities: raise e to each, divide by the sum. Programs subtract the greatest logit first. That changes nothing in exact arithmetic, and saves everything in float32, where e to the 89 is already infinite.',
    ],
    formulas: (now) => [
      'p_i = \\frac{e^{z_i}}{\\sum_j e^{z_j}} = \\frac{e^{z_i - m}}{\\sum_j e^{z_j - m}} \\qquad m = \\max_j z_j',
      `p(${name(now, 0)}) = \\frac{e^{${logit(now, 0)} - ${logit(now, 0)}}}{\\dots} = ${prob(now, 0)},\\qquad \\frac{p(${name(now, 0)})}{p(${name(now, 1)})} = e^{${n2((now.next.tokens[0]?.logit ?? 0) - (now.next.tokens[1]?.logit ?? 0))}}`,
    ],
    demo: 'overflow',
    task: 'Move the offset above until the naive formula breaks. Then pick the leading token.',
    done: (now) => now.picks > 0,
    reveal: () => 'The probabilities never moved: softmax does not see what is added to all logits. The naive formula did.',
  },
  {
    id: 'temperature',
    title: 'Temperature, and its two ends',
    scene: { prompt: SPLIT },
    text: [
      'Temperature divides every logit before softmax. Below 1 it stretches the differences, above 1 it shrinks them.',
      'Why T → 0 is argmax: a token that trails the best by Δ has e^(−Δ/T) times its probability. Δ is above 0, so the exponent goes to −∞ and the factor to 0. Why T → ∞ is uniform: Δ/T goes to 0 and every factor to 1.',
    ],
    formulas: (now) => [
      '\\frac{p_i}{p_{\\max}} = e^{-\\Delta_i / T} \\;\\to\\; 0 \\;(T \\to 0),\\qquad \\to 1 \\;(T \\to \\infty)',
      `T = ${n2(value(now, 'temperature'))}:\\quad \\frac{p(${name(now, 1)})}{p(${name(now, 0)})} = e^{-${n2((now.next.tokens[0]?.logit ?? 0) - (now.next.tokens[1]?.logit ?? 0))} / ${n2(value(now, 'temperature'))}}`,
    ],
    task: 'Drag the temperature to 0, and see who is left.',
    done: (now) => value(now, 'temperature') === 0,
    reveal: (now) => `Only ${spoken(now.next.tokens[0] ?? { id: 0, text: '', bytes_hex: '' })} is left: every draw gives it. At the other end, 2, the model would hesitate over far more than it believes in.`,
  },
  {
    id: 'top_k',
    title: 'Top-k: the same number, whatever comes',
    scene: { prompt: PEAKED, settings: { top_k: 40 } },
    text: [
      'Four steps: sort by probability, keep the first k, drop the rest, divide by what is left so that it sums to 1 again.',
      'Here one token is nearly certain, and k = 40 still lets in dozens the model does not believe in. On a wide-open prompt the same 40 throws away half of what it does.',
    ],
    formulas: (now) => [
      'p\'_i = \\begin{cases} p_i / \\sum_{j \\le k} p_{(j)} & i \\text{ among the first } k \\\\ 0 & \\text{else} \\end{cases}',
      `k = ${count(value(now, 'top_k'))}:\\quad \\sum_{j \\le k} p_{(j)} = ${(stage(now, 'top_k')?.mass_out ?? 1).toFixed(3)}`,
    ],
    task: `Type the prompt “${FLAT}” and see how much of the probability 40 tokens hold there.`,
    done: (now) => now.prompt.trim() === FLAT && (stage(now, 'top_k')?.active ?? false),
    reveal: (now) => `Here the same ${count(value(now, 'top_k'))} tokens hold only ${percent(stage(now, 'top_k')?.mass_out ?? 1)} of the probability. A k that fits one prompt fits no other.`,
  },
  {
    id: 'top_p',
    title: 'Top-p: as many as it takes',
    scene: { prompt: PEAKED, settings: { top_p: 0.9 } },
    text: [
      'Four steps again: sort, add up from the top, stop at the first token with which the sum reaches p, renormalise. What is kept is called the nucleus.',
      'The number of tokens follows the shape of the distribution: that is what top-k cannot do.',
    ],
    formulas: (now) => [
      'n = \\min\\Big\\{ n : \\sum_{j \\le n} p_{(j)} \\ge p \\Big\\}',
      `p = ${n2(value(now, 'top_p'))}:\\quad n = ${count(stage(now, 'top_p')?.n_out ?? 0)},\\qquad \\sum = ${(stage(now, 'top_p')?.mass_out ?? 1).toFixed(3)}`,
    ],
    task: `The nucleus is one token now. Type “${FLAT}” and watch it grow.`,
    done: (now) => now.prompt.trim() === FLAT && (stage(now, 'top_p')?.active ?? false),
    reveal: (now) => `The same p keeps ${count(stage(now, 'top_p')?.n_out ?? 0)} tokens here and kept one there. Nothing was changed but the text.`,
  },
  {
    id: 'min_p',
    title: 'Min-p: measured against the best',
    scene: { prompt: FLAT, settings: { min_p: 0.1, temperature: 1.5 } },
    text: [
      'Min-p keeps every token that is at least p times as likely as the best one. On logits that is a fixed distance below the top: ln p nats.',
      'So it stands firm when a high temperature flattens everything and a nucleus would swallow the tail.',
    ],
    formulas: (now) => [
      'p_i \\ge p \\cdot p_{\\max} \\iff z_i \\ge z_{\\max} + T \\ln p',
      `p = ${n2(value(now, 'min_p'))}:\\quad ${count(stage(now, 'min_p')?.n_out ?? 0)} \\text{ of } ${count(stage(now, 'min_p')?.n_in ?? 0)} \\text{ stay}`,
    ],
    task: 'Turn min-p to 0 and set top-p to 0.9 instead. How many tokens now?',
    done: (now) => value(now, 'min_p') === 0 && Math.abs(value(now, 'top_p') - 0.9) < 0.011,
    reveal: (now) => `At temperature ${n2(value(now, 'temperature'))} top-p keeps ${count(stage(now, 'top_p')?.n_out ?? 0)} tokens: it asks for mass, and heat has spread the mass out.`,
  },
  {
    id: 'penalty',
    title: 'Repetition penalty, and its two signs',
    scene: { prompt: LOOP, settings: { repetition_penalty: 1.3 } },
    text: [
      'Tokens already in the text are made less likely: a positive logit is divided by the penalty, a negative one multiplied by it. Both move it down.',
      'But dividing is not subtracting. Softmax ignores what is added to all logits; this penalty does not. The same model with all logits moved by a constant is penalised differently, though its probabilities are the same.',
    ],
    formulas: (now) => [
      'z_i \\leftarrow \\begin{cases} z_i / \\theta & z_i > 0 \\\\ z_i \\cdot \\theta & z_i \\le 0 \\end{cases}',
      `\\theta = ${n2(value(now, 'repetition_penalty'))}`,
    ],
    demo: 'offset',
    task: 'Set the penalty to 1 and press G some twenty times, or Generate at temperature 0: the text begins to go in circles. Then set it to 1.3 again.',
    done: (now) => now.picks >= 10 && value(now, 'repetition_penalty') >= 1.2,
    reveal: () => 'Now the words it has said cost it something, and it looks for others. Go back and generate again to see the difference.',
  },
  {
    id: 'entropy',
    title: 'How undecided is it?',
    scene: { prompt: PEAKED },
    text: [
      'Surprisal: how many bits an event of probability p carries, −log₂ p. Entropy: the surprisal to be expected. Perplexity, 2 to the entropy, is the number of equally likely choices that would be just as undecided: a weighted branching factor.',
      'Some reference: 0 bits is certain, 1 bit a coin, 2.6 a die, and nobody can be more undecided than log₂ of the vocabulary.',
    ],
    formulas: (now) => [
      'H = -\\sum_i p_i \\log_2 p_i \\le \\log_2 V,\\qquad \\mathrm{PP} = 2^H',
      `H = ${n2(now.next.metrics.entropy_bits)} \\le ${n2(Math.log2(now.next.vocab_size))},\\qquad \\mathrm{PP} = 2^{${n2(now.next.metrics.entropy_bits)}} = ${n2(now.next.metrics.perplexity)}`,
    ],
    task: 'Find a text after which the model is more undecided than 6 bits. A single word will do.',
    done: (now) => now.next.metrics.raw_entropy_bits > 6,
    reveal: (now) => `${bits(now.next.metrics.raw_entropy_bits)} bits: as if it chose among ${count(Math.round(2 ** now.next.metrics.raw_entropy_bits))} equally likely tokens.`,
  },
  {
    id: 'kl',
    title: 'The distance that is none',
    scene: { prompt: SPLIT, settings: { temperature: 0.6 } },
    text: [
      'KL(P‖Q) is what it costs, in bits per token, to expect Q where P is true. It is 0 only when both are the same, and it is not symmetric.',
      'As soon as Q cuts a token that P may give, it is infinite: no code is long enough for what cannot happen.',
    ],
    formulas: (now) => [
      'D(P \\Vert Q) = \\sum_i P_i \\log_2 \\frac{P_i}{Q_i} \\ge 0',
      `D(\\text{final} \\Vert \\text{raw}) = ${n2(now.next.metrics.kl_final_raw_bits)},\\qquad D(\\text{raw} \\Vert \\text{final}) = ${n2(now.next.metrics.kl_raw_final_bits)}`,
    ],
    task: 'Both directions are finite and different. Now make one of them infinite: cut something.',
    done: (now) => now.next.metrics.kl_raw_final_bits === null,
    reveal: (now) => `${percent(now.next.metrics.mass_cut)} of what the model believed in can no longer come; the other direction stays ${bits(now.next.metrics.kl_final_raw_bits ?? Infinity)} bits. The tab A / B measures any two settings.`,
  },
  {
    id: 'generate',
    title: 'The loop that writes',
    scene: { prompt: 'One day, the wolf said to the', settings: { temperature: 0.8, top_p: 0.9 } },
    text: [
      'generate() of any library does what you have been doing by hand: read the text, take the logits after its last token, shape them, draw one, append it, begin again; until an end-of-text token, a length, or the end of the context.',
      'Nothing is planned ahead. Each token is drawn from what the model believes after the ones before.',
    ],
    formulas: () => ['x_{t+1} \\sim \\mathrm{cut}\\big(\\mathrm{softmax}(z(x_1 \\dots x_t) / T)\\big)'],
    task: 'Press Generate and watch at 3 a second. Stop it when you like.',
    done: (now) => now.picks >= 5,
    reveal: () => 'Click any token of it to stand there again: what else could have come is still there, and choosing it begins a branch.',
  },
  {
    id: 'dialects',
    title: 'The same settings, elsewhere',
    scene: { prompt: SPLIT, settings: { temperature: 1.8, top_p: 0.9 } },
    text: [
      'Temperature 1.8 and top-p 0.9: here the temperature comes first, so the nucleus is taken from the flattened distribution. llama.cpp applies the temperature last, and adds top-k 40 and min-p 0.05 unless told otherwise. transformers adds top-k 50. vLLM adds nothing.',
      'Copying numbers from one engine to another copies the words and not the meaning.',
    ],
    formulas: (now) => [`n_{\\text{kept}} = ${count(now.next.metrics.n_kept)},\\qquad H = ${n2(now.next.metrics.entropy_bits)} \\text{ bits}`],
    task: 'Choose llama.cpp under “Settings as in”, and see what the same two numbers keep.',
    done: (now) => now.dialect === 'llama.cpp',
    reveal: (now) => `${count(now.next.metrics.n_kept)} tokens are left, ${bits(now.next.metrics.entropy_bits)} bits. The tab A / B shows both side by side, and “Share” writes the settings down for each engine.`,
  },
]
