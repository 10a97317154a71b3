// The second half of the course: numbers about distributions, the loop that writes, and what engines disagree on.
import { bits, count, percent } from '../view/format'
import { n2, PEAKED, SPLIT, type Step } from './glance'

export const MEASURING: readonly Step[] = [
  {
    id: 'entropy',
    title: 'How undecided is it?',
    scene: { prompt: PEAKED },
    text: [
      'Surprisal: how many bits an event of probability p carries, −log₂ p: 1 bit is a coin, 10 bits are 1 in 1,024. Entropy is the surprisal to be expected of a draw.',
      'It is 0 where one token is certain. It is greatest where all are alike: then every surprisal is log₂ V, and so is their mean. And 2 to the entropy says how many equally likely tokens would leave one just as undecided.',
    ],
    formulas: (now) => [
      'H = -\\sum_i p_i \\log_2 p_i,\\qquad 0 \\le H \\le \\log_2 V',
      `H = ${n2(now.next.metrics.entropy_bits)} \\le ${n2(Math.log2(now.next.vocab_size))},\\qquad 2^H = ${n2(now.next.metrics.perplexity)}`,
    ],
    task: 'Find a text after which the model is more undecided than 6 bits. A single word will do.',
    done: (now) => now.next.metrics.raw_entropy_bits > 6,
    reveal: (now) => `${bits(now.next.metrics.raw_entropy_bits)} bits, of ${n2(Math.log2(now.next.vocab_size))} there can be.`,
  },
  {
    id: 'perplexity',
    title: 'Perplexity, a weighted branching factor',
    scene: { prompt: 'The king said that the princess was very beautiful and the wolf was hungry' },
    text: [
      'At one place, perplexity is 2 to the entropy: into how many equal branches the text splits here, each weighed by its probability. Along a text it is e to the mean surprisal of the tokens that came, in nats.',
      'What is usual? 1 is certain, 2 a coin at every token, the size of the vocabulary pure chance. GPT-2 has 37.5 per word on WikiText-103 in its smallest size and 17.5 in its largest. Numbers of models with other tokenizers cannot be compared; bits per byte can.',
    ],
    formulas: (now) => [
      '\\mathrm{PP} = 2^H = \\prod_i p_i^{-p_i},\\qquad \\mathrm{PP}(x_1 \\dots x_n) = \\exp\\Big(-\\frac{1}{n}\\sum_t \\ln p(x_t \\mid x_{<t})\\Big)',
      `\\mathrm{PP} = 2^{${n2(now.next.metrics.entropy_bits)}} = ${n2(now.next.metrics.perplexity)} \\text{ here}`,
    ],
    task: 'Open the tab “Sentence”: find the token that surprised the model most, and the perplexity of the whole.',
    done: (now) => now.tab === 'sentence',
    reveal: () => 'A bar far above the line is a token the model did not expect, though it thought it knew; where the line itself is high, it expected to be surprised.',
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
    demo: 'temperatures',
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
