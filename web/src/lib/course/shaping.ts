// The first half of the course: what turns logits into the distribution that is drawn from.
import { count, percent, plural } from '../view/format'
import { final, FLAT, lead, logit, LOOP, n2, name, PEAKED, prob, raw, SPLIT, stage, token, value, type Step } from './glance'

export const SHAPING: readonly Step[] = [
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
      `p(${name(now, 0)}) = \\frac{e^{${logit(now, 0)} - ${logit(now, 0)}}}{\\dots} = ${prob(now, 0)},\\qquad \\frac{p(${name(now, 0)})}{p(${name(now, 1)})} = e^{${n2(lead(now, 1))}}`,
    ],
    demo: 'overflow',
    task: 'Move the offset above until the naive formula breaks. Then pick the leading token.',
    done: (now) => now.broken && now.picks > 0,
    reveal: () => 'The probabilities never moved: softmax does not see what is added to all logits. The naive formula did.',
  },
  {
    id: 'temperature',
    title: 'Temperature, and its two ends',
    scene: { prompt: SPLIT },
    text: [
      'Temperature divides every logit before softmax. Below 1 it stretches the differences, above 1 it shrinks them. A token that trails the best by Δ nats has e to the −Δ/T times its probability; so:',
    ],
    list: (now) => [
      'T → 0 is argmax. For every token but the best Δ > 0, so −Δ/T → −∞ and its factor → 0. Only the best is left. (Two with the same logit share.)',
      'T → ∞ is uniform. Every Δ is finite, so Δ/T → 0 and every factor → e⁰ = 1: all tokens come alike.',
      `${token(now, 1)} trails by ${lead(now, 1).toFixed(2)} nats. Try what T makes of that.`,
    ],
    formulas: (now) => [
      '\\frac{p_i}{p_{\\max}} = e^{-\\Delta_i / T} \\;\\to\\; 0 \\;(T \\to 0),\\qquad \\to 1 \\;(T \\to \\infty)',
      `T = ${n2(value(now, 'temperature'))}:\\quad \\frac{p(${name(now, 1)})}{p(${name(now, 0)})} = e^{-${n2(lead(now, 1))} / ${n2(value(now, 'temperature'))}}`,
    ],
    task: 'Drag the temperature to 0, and see who is left.',
    done: (now) => value(now, 'temperature') === 0,
    reveal: (now) => `Only ${token(now, 0)} is left: every draw gives it. At the other end, 2, the model would hesitate over far more than it believes in.`,
  },
  {
    id: 'top_k',
    title: 'Top-k: the same number, whatever comes',
    scene: { prompt: PEAKED, settings: { top_k: 40 } },
    text: [
      'Here one token is nearly certain, and k = 40 still lets in dozens the model does not believe in. On a wide-open prompt the same 40 throws away half of what it does.',
    ],
    list: (now) => [
      `Sort: ${token(now, 0)} leads with ${raw(now, 0)}, then ${token(now, 1)} with ${raw(now, 1)}.`,
      `Keep the first ${count(value(now, 'top_k'))} of ${count(now.next.vocab_size)}.`,
      `Drop the rest: ${percent(now.next.metrics.mass_cut)} of the probability goes with it.`,
      `Divide by what is left, so that it sums to 1 again: ${token(now, 0)} now has ${final(now, 0)}.`,
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
      'Top-p asks for mass, not for a number of tokens: the number follows the shape of the distribution, and that is what top-k cannot do. What is kept is called the nucleus.',
    ],
    list: (now) => [
      `Sort: ${token(now, 0)} leads with ${raw(now, 0)}.`,
      'Add up from the top.',
      `Stop at the first token with which the sum reaches ${n2(value(now, 'top_p'))}: after ${plural(stage(now, 'top_p')?.n_out ?? 0, 'token')}, at ${(stage(now, 'top_p')?.mass_out ?? 1).toFixed(3)}.`,
      `Divide by that sum: ${token(now, 0)} now has ${final(now, 0)}.`,
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
]
