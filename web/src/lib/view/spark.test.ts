import { expect, test } from 'vitest'
import { spark } from './spark'

test('the greatest number touches the top, zero the foot, the dot stands on the last', () => {
  expect(spark([0, 4, 2], 105, 25)).toEqual({ path: 'M2.5,22.5L52.5,2.5L102.5,12.5', end: { x: 102.5, y: 12.5 } })
})

// Mutation: drop defined() -> red: infinity would be drawn as zero.
test('what is infinite is a gap, and no dot', () => {
  expect(spark([1, null, 1, 1], 15, 25)).toEqual({ path: 'M2.5,2.5ZM9.2,2.5L12.5,2.5', end: { x: 12.5, y: 2.5 } })
  expect(spark([1, null], 15, 25).end).toBeNull()
  expect(spark([null], 15, 25)).toEqual({ path: '', end: null })
})
