import { expect, test } from 'vitest'
import { plainOf, readTurns, writeTurns } from './turns'

const turns = [{ role: 'system', content: 'Be "brief".' }, { role: 'user', content: 'Hi\nthere' }, { role: 'assistant', content: '' }]

test('a conversation is written and read again; what is none is one thing a user says', () => {
  expect(readTurns(writeTurns(turns))).toEqual(turns)
  for (const text of ['Hello', '', '[1, 2]', '[]', '{"role": "user"}', '[{"role": 1, "content": "x"}]']) expect(readTurns(text)).toEqual([{ role: 'user', content: text }])
})

// Mutation: take the last turn, whoever said it -> red.
test('the plain text of a conversation is what its user said last', () => {
  expect([plainOf(writeTurns(turns)), plainOf('as it is'), plainOf(writeTurns(turns.slice(0, 1)))]).toEqual(['Hi\nthere', 'as it is', ''])
})
