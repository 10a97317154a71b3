import { expect, test } from 'vitest'
import type { Token } from '../api/wire'
import { bytesOf, clusters, direction, leftward, pieces, runningText, spoken } from './bytes'

const token = (bytes_hex: string, id = 0): Token => ({ id, text: '', bytes_hex })
const hexOf = (text: string) => [...new TextEncoder().encode(text)].map((b) => b.toString(16).padStart(2, '0')).join('')

// Mutation: decode token by token and join -> red.
test('running text joins bytes before it decodes them', () => {
  expect(runningText([token('20e2'), token('9681'), token('c3'), token('a9')])).toBe(' ▁é')
  expect(runningText([{ id: 0, text: '<|endoftext|>', bytes_hex: '', special: true }, token('61')])).toBe('a')
})

test('pieces tell text, named blanks and bytes that are no character', () => {
  expect(pieces(bytesOf(hexOf(' a\n\nb')))).toEqual([
    { kind: 'text', text: ' a' },
    { kind: 'blank', text: '\n', name: '\\n' },
    { kind: 'blank', text: '\n', name: '\\n' },
    { kind: 'text', text: 'b' },
  ])
  expect(pieces(bytesOf('e296'))).toEqual([{ kind: 'bytes', text: 'E2 96' }])
  expect(pieces(bytesOf('20e296'))).toEqual([{ kind: 'text', text: ' ' }, { kind: 'bytes', text: 'E2 96' }])
  expect(pieces(bytesOf('00'))).toEqual([{ kind: 'blank', text: '\0', name: 'U+00' }])
})

// Mutation: accept any bytes >= 0x80 as continuation -> red.
test('overlong forms, surrogates and lone continuations are bytes', () => {
  for (const bad of ['c080', 'eda080', '81', 'f5808080']) {
    expect(pieces(bytesOf(bad)).every((piece) => piece.kind === 'bytes')).toBe(true)
  }
})

// Mutation: group only tokens that are no text by themselves -> red (the third case).
test('tokens that share a character stand together', () => {
  expect(clusters([token('61'), token('e296'), token('81'), token('62')])).toEqual([
    { from: 0, to: 1, text: null },
    { from: 1, to: 3, text: '▁' },
    { from: 3, to: 4, text: null },
  ])
  expect(clusters([token('e2'), token('96')]).map((c) => c.to - c.from)).toEqual([1, 1])
  expect(clusters([token('61e2'), token('968162')])).toEqual([{ from: 0, to: 2, text: 'a▁b' }])
  expect(clusters([token('f0'), token('9f'), token('98'), token('80')])).toEqual([{ from: 0, to: 4, text: '😀' }])
  expect(clusters([])).toEqual([])
})

test('labels in words', () => {
  expect(spoken(token(hexOf(' the')))).toBe('“·the”')
  expect(spoken(token('0a'))).toBe('“\\n”')
  expect(spoken(token('e296'))).toBe('bytes E2 96')
  expect(spoken({ id: 0, text: '<|endoftext|>', bytes_hex: '', special: true })).toBe('<|endoftext|>')
})

// Mutation: look at the first character instead of the first letter -> red.
test('a text runs the way of its first letter', () => {
  expect([direction('12 « Once'), direction(' 12. שלום world'), direction('“مرحبا”'), direction('!?'), direction('')]).toEqual(['ltr', 'rtl', 'rtl', 'ltr', 'ltr'])
})

test('a text in which anything runs leftward is told from one in which nothing does', () => {
  expect([leftward('Once, ½ ☃ é 猫'), leftward('Once שלום'), leftward('a\u200f'), leftward('')]).toEqual([false, true, true, false])
})
