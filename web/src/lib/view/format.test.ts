import { expect, test } from 'vitest'
import { choices, count, logit, percent, plural, setting, share, size } from './format'

const plain = (text: string) => text.replaceAll('\u00a0', ' ')

// Mutation: drop the "> 99.9" case -> red: a token that is nearly certain would read as certain.
test.each([
  [0, '0 %'], [1, '100 %'], [0.99999, '> 99.9 %'], [0.9994, '99.9 %'], [0.4764, '47.6 %'], [0.01, '1.0 %'],
  [0.0094, '0.94 %'], [0.00099, '0.099 %'], [0.000123, '0.012 %'], [0.0000034, '0.00034 %'], [1e-7, '< 0.0001 %'],
])('percent(%s) is %s', (p, text) => expect(plain(percent(p))).toBe(text))

test('counts, sizes and settings', () => {
  expect(count(50257)).toBe('50,257')
  expect(plural(1, 'token')).toBe('1 token')
  expect(plural(4096, 'token')).toBe('4,096 tokens')
  expect([124439808, 3145728, 260032, 512, 1e9].map((n) => plain(size(n)))).toEqual(['124 M', '3.1 M', '260 k', '512', '1.0 B'])
  expect([setting(0.8), setting(1), setting(0.7550001)]).toEqual(['0.8', '1', '0.755'])
  expect([choices(2), choices(31.26), choices(138.8), choices(5321.4)]).toEqual(['2.00', '31.3', '139', '5,321'])
})

test('logits align and shares do not round up to all', () => {
  expect([logit(-135.913), logit(3.1), logit(0)]).toEqual(['−135.91', '3.10', '0.00'])
  expect([share(0.75651), share(0.99999), share(1)]).toEqual(['0.757', '> 0.999', '1.000'])
})
