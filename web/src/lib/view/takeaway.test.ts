import { expect, test } from 'vitest'
import { example } from './example'
import { save } from '../state/session'
import { given, Tree } from '../state/tree'
import { sessionCsv, stepCsv, stepJson } from './takeaway'

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

// Mutation: write the parent's token id -> red.
test('a session as CSV: a row a token, with the row it follows', () => {
  const token = (id: number) => ({ id, text: 'a', bytes_hex: '61' })
  let { tree } = Tree.of([given(token(7)), given(token(8))])
  ;({ tree } = tree.grow(0, { ...given(token(9)), how: 'hand', rank: 3, probRaw: 0.25, prob: 0.5, surprisalBits: 2 }))
  const recipe = { dialect: 'logitpeek', given: {}, seed: 1, order: null }
  const lines = sessionCsv(save(tree.named(2, 'b, "2"'), 2, { model: 'm', prompt: 'aa', recipe })).text.trim().split('\r\n')
  expect(lines.slice(1)).toEqual(['0,,,7,a,61,prompt,,,,,,', '1,0,,8,a,61,prompt,,,,,,', '2,0,"b, ""2""",9,a,61,hand,3,0.25,0.5,2,,'])
})
