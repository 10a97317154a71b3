import { expect, test } from 'vitest'
import { example } from './example'
import { readings } from './explain'

const plain = (text: string | undefined) => text?.replaceAll('\u00a0', ' ')
const reading = (key: string, next = example()) => readings(next).find((r) => r.key === key)

test('each measure shows the core’s number and puts it into its definition', () => {
  expect(reading('entropy')).toMatchObject({ value: '1.17', unit: 'bits' })
  expect(reading('entropy')?.explanation).toContain('1.17 bits over 3 tokens')
  expect(reading('perplexity')?.explanation).toContain('2^1.17 = 2.25')
  expect(reading('effective_vocab')?.value).toBe('1.88')
  expect(plain(reading('top1')?.value)).toBe('69.5 %')
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
