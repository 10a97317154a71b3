import { expect, test } from 'vitest'
import { example } from './example'
import { ranks } from './ranks'

const curve = [1, 2, 4, 8].map((rank) => ({ rank, prob_raw: 0.5 / rank, prob: rank <= 3 ? 0.6 / rank : 0 }))

test('both curves, decades as ticks, and a line where each cut stops', () => {
  const picture = ranks(example(), curve, 600, 400)
  expect(picture.xTicks.map((tick) => tick.text)).toEqual(['1'])
  expect(picture.lines.map((line) => line.text)).toEqual(['top-k 5: 5 left', 'top-p 0.9: 3 left'])
  expect(picture.lines[1]?.x).toBeCloseTo(picture.x(3.5), 6)
  expect(picture.raw.split('L').length).toBe(4)
  expect(picture.final.split('L').length).toBe(2)
  expect(picture.words).toBe('Top-k stops at rank 5, top-p at rank 3; the 5 below hold 13.1\u00a0% by the model’s own account.')
  expect(picture.rankAt(picture.x(4))).toBeCloseTo(4, 6)
})

test('min-p is a probability too', () => {
  const next = example()
  next.stages[4] = { ...next.stages[4]!, active: true, n_in: 3, n_out: 2, threshold: 0.1, params: { min_p: 0.2 } }
  const last = ranks(next, curve, 600, 400).lines.slice(-2)
  expect([last[0]?.text, last[1]?.text, last[1]?.y]).toEqual(['min-p 0.2: 2 left', 'min-p asks for 10.0\u00a0%', ranks(next, curve, 600, 400).y(0.1)])
})
