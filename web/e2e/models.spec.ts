// Part 8: switching models, and a conversation with one that has a chat template.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { Tokenized } from '../src/lib/api/wire'
import { seriousFindings } from './axe'
import { withTexts } from './gguf.mjs'
import { settled } from './harness.mjs'
import { OnPage, under } from './page'

const TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
const shipped = fileURLToPath(new URL('../../models/logitpeek-tales-q8_0.gguf', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'logitpeek-models-'))
withTexts(shipped, join(folder, 'talker.gguf'), { 'tokenizer.chat_template': TEMPLATE })
copyFileSync(shipped, join(folder, 'teller.gguf'))
afterAll(() => rmSync(folder, { recursive: true }))

const on = new OnPage('Hello', { args: ['-m', join(folder, 'talker.gguf')], env: { LOGITPEEK_MODELS: folder } })

// Mutation: send the last turn only -> red.
test('a conversation with roles goes through the model’s own template, and what comes next is the assistant’s', async () => {
  await on.see('as-chat').check()
  await on.see('turn-text').fill('Tell me a tale.')
  await on.see('turn-add').click()
  await on.see('turn-text').nth(1).fill('Once')
  await on.see('turn-add').click()
  await on.see('turn-role').nth(2).selectOption('system')
  await on.see('turn-text').nth(2).fill('Be brief.')
  const messages = [{ role: 'user', content: 'Tell me a tale.' }, { role: 'assistant', content: 'Once' }, { role: 'system', content: 'Be brief.' }]
  const expected = await on.ask<Tokenized>('/chat', { messages })
  await on.see('dress').getByText('ids').click()
  await expect.poll(() => under(on.page)).toEqual(expected.tokens.map((token) => String(token.id)))
  await settled(on.page)
  expect(Number(await on.page.getByTestId('row').first().locator('[data-cell=final]').getAttribute('title'))).toBe((await on.next(expected.tokens.map((token) => token.id))).tokens[0]?.prob)
  expect(await seriousFindings(on.page)).toEqual([])

  await on.generate(2)
  const text = await on.text('running-text')
  expect((await on.address()).get('chat')).toBe('1')
  await on.page.reload()
  await expect.poll(() => on.text('running-text')).toBe(text)
  expect(await on.see('turn-text').nth(2).inputValue()).toBe('Be brief.')

  await on.see('as-chat').uncheck()
  await expect.poll(() => on.text('running-text')).toBe('Tell me a tale.')
  await on.see('undo').click()
  await expect.poll(() => on.text('running-text')).toBe(text)
})

test('another model is loaded from the list; the text stays, and what it cannot do is not offered', async () => {
  expect(await on.see('as-chat').count()).toBe(1)
  await on.see('model').click()
  await on.page.getByRole('listitem').filter({ hasText: 'teller' }).getByRole('button', { name: 'Use' }).click()
  await expect.poll(() => on.see('as-chat').count()).toBe(0)
  expect(await on.text('running-text')).toBe('Hello')
  expect(await on.see('notice').count()).toBe(0) // who asked for it need not be told
  await on.see('model').click()
  await on.page.getByRole('listitem').filter({ hasText: 'talker' }).getByRole('button', { name: 'Use' }).click()
  await expect.poll(() => on.see('as-chat').count()).toBe(1)
})
