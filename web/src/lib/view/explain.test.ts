import { expect, test } from 'vitest'
import { example } from './example'
import type { PathToken } from '../api/wire'
import { readings, series } from './explain'

const plain = (text: string | undefined) => text?.replaceAll('\u00a0', ' ')
const reading = (key: string, next = example()) => readings(next).find((r) => r.key === key)

test('each measure shows the core’s number and puts it into its definition', () => {
  expect(reading('entropy')).toMatchObject({ value: '1.17', unit: 'bits' })
  expect(reading('entropy')?.explanation).toContain('1.17 bits over 3 tokens')
  expect(reading('perplexity')?.explanation).toContain('2^1.17 = 2.25')
  expect(reading('effective_vocab')?.value).toBe('1.88')
  expect(plain(reading('top1')?.value)).toBe('69.5 %')
})

test('a divergence is also told as it was before anything was cut', () => {
  expect(reading('kl_raw_final')?.explanation).toContain('it is 0.04 bits')
})

// Mutation: show null as 0 -> red: "no difference" where the difference is infinite.
test('an infinite divergence names the mass that was cut', () => {
  const kl = reading('kl_raw_final')
  expect(kl?.value).toBe('∞')
  expect(plain(kl?.note)).toBe('13.1 % was cut')
  expect(plain(kl?.explanation)).toContain('tokens that hold 13.1 %')
})

test('no difference is said in words', () => {
  const next = example({ metrics: { ...example().metrics, kl_final_raw_bits: 0 } })
  expect(reading('kl_final_raw', next)).toMatchObject({ value: '0.00', note: 'no difference' })
})

const token: PathToken = {
  id: 7, text: ' cat', bytes_hex: '20636174', position: 1, surprisal_raw_bits: 2, rank_raw: 3, prob_raw: 0.25, entropy_raw_bits: 1.5, prob: 0.3, surprisal_bits: 1.74,
  rank: 3, cut_by: null, entropy_bits: 1.25, perplexity: 2.4, n_kept: 8, top1_prob: 0.5, kl_final_raw_bits: 0.1, kl_raw_final_bits: null,
}

test('the surprisal of the token one stands on', () => {
  const here = readings(example(), token).find((r) => r.key === 'surprisal')
  expect(here).toMatchObject({ value: '2.00', unit: 'bits', note: 'of “·cat”', definition: 'D14' })
  expect(plain(here?.explanation)).toContain('“·cat” had 25.0 %, rank 3: 2.00 bits, where 1.50 were to be expected.')
  expect(reading('surprisal')?.value).toBe('–')
})

test('along the sentence: what came before, then now; infinite stays infinite', () => {
  const path = { tokens: [token], total_logprob_raw: 0, total_logprob: 0, perplexity_raw: 1, perplexity: 1 }
  const along = Object.fromEntries(readings(example(), token).map((r) => [r.key, series(r, path)]))
  expect(along).toMatchObject({
    surprisal: [2], entropy: [1.25, 1.1728713], top1: [0.5, 0.69451208], kl_final_raw: [0.1, 0.21726768], kl_raw_final: [null, null], effective_vocab: [],
  })
})
