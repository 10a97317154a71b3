// Part 1: the sentence as tokens, and how it grows.
import { expect, test } from 'vitest'
import type { Tokenized } from '../src/lib/api/wire'
import { seriousFindings } from './axe'
import { settled } from './harness.mjs'
import { OnPage, under } from './page'

const on = new OnPage('A naïve cat')

// Mutation: show ids where bytes are asked for -> red.
test('tokens as text, with ids, or with bytes; half characters as bytes', async () => {
  const { tokens } = await on.ask<Tokenized>('/tokenize', { text: 'A naïve cat' })
  const subs = () => under(on.page)
  expect(await subs()).toEqual([])
  await on.see('dress').getByText('ids').click()
  expect(await subs()).toEqual(tokens.map((token) => String(token.id)))
  await on.see('dress').getByText('bytes').click()
  expect(await subs()).toEqual(tokens.map((token) => token.bytes_hex.toUpperCase().replace(/..(?=.)/g, '$& ') || 'no bytes'))
  expect(await on.page.locator('.group b').allTextContents()).toEqual(['ï'])
  expect(await seriousFindings(on.page)).toEqual([])
})

// Mutation: let pace() forget how many were made -> red.
test('the speed of a stream can be changed while it comes; then it is stopped', async () => {
  await on.see('generate-n').fill('12')
  await on.see('pace').selectOption('1000')
  await on.see('generate').click()
  await expect.poll(() => on.see('pick').count()).toBe(1)
  await on.see('pace').selectOption('0')
  await expect.poll(() => on.see('pick').count(), { timeout: 40_000 }).toBe(12)
  await on.see('generate').waitFor()
  await on.see('undo').click()
  await expect.poll(() => on.see('pick').count()).toBe(0)
})

test('number keys pick the row of that number, and the model’s speed is shown once there is one', async () => {
  const answer = await on.next(await on.ids())
  await on.page.locator('ol[role=listbox]').focus()
  await on.page.keyboard.press('3')
  await expect.poll(() => on.see('pick').count()).toBe(1)
  await settled(on.page)
  expect((await on.address()).get('picks')).toBe(String(answer.tokens[2]?.id))
  await on.generate(3)
  await expect.poll(() => on.text('model')).toMatch(/tok\/s/)
})
