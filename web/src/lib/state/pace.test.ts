import { expect, test } from 'vitest'
import { Pace } from './pace'

// Mutation: two always, or one always -> red; the last answer alone decides -> red.
test('two questions at a time while answers come within a frame, one while they do not', () => {
  const pace = new Pace()
  expect(pace.abreast).toBe(2)
  for (let i = 0; i < 9; i++) pace.answered(8)
  pace.answered(40) // once is not always
  expect(pace.abreast).toBe(2)
  for (let i = 0; i < 9; i++) pace.answered(40)
  expect(pace.abreast).toBe(1)
  for (let i = 0; i < 9; i++) pace.answered(8)
  expect(pace.abreast).toBe(2)
})
