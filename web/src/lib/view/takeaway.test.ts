import { expect, test } from 'vitest'
import { example } from './example'
import { stepCsv, stepJson } from './takeaway'

// Mutation: do not double quotes -> red.
test('a step as CSV: every row of the answer, texts quoted where they must be', () => {
  const next = example()
  next.tokens[0]!.text = ' "so", he'
  const lines = stepCsv(next).text.split('\r\n')
  expect(lines[0]).toBe('rank,rank_raw,id,text,bytes_hex,logit,prob_raw,prob,cut_by,margin')
  expect(lines[1]).toBe('1,1,10," ""so"", he",20746865,5,0.54616752,0.69451208,,')
  expect(lines[4]).toContain(',top_p,')
  expect(lines.length).toBe(next.tokens.length + 2) // a heading, and the end of the last line
})

test('a step as JSON is the answer itself', () => {
  expect(JSON.parse(stepJson(example()).text)).toEqual(example())
})
