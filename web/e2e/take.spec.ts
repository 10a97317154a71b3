// Part 7: what is carried away, and comes back.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { setField, settled } from './harness.mjs'
import { OnPage } from './page'

const on = new OnPage('The king said')

test('the whole session as a table: every token of every branch, with what the core thought of it', async () => {
  await on.generate(3)
  await on.see('pick').nth(1).click()
  await settled(on.page)
  await on.see('row').nth(4).click()
  await expect.poll(() => on.see('pick').count()).toBe(2)
  await on.see('take').click()
  const [download] = await Promise.all([on.page.waitForEvent('download'), on.see('session-csv').click()])
  const [head, ...rows] = readFileSync(await download.path(), 'utf8').trim().split('\r\n')
  expect(head?.split(',').slice(0, 4)).toEqual(['node', 'parent', 'branch_name', 'id'])
  const prompt = (await on.ids()).length
  expect(rows.length).toBe(prompt + 3 + 1)
  expect(rows.at(-1)?.split(',')[1]).toBe(String(prompt))
})

// Mutation: leave `a` out of the address -> red.
test('the address also holds what was kept as A', async () => {
  await setField(on.page, 'temperature', 0.5)
  await on.tab('compare')
  await on.see('freeze').click()
  await setField(on.page, 'temperature', 1.5)
  await on.see('kl-a-b').waitFor()
  await expect.poll(async () => (await on.address()).get('a')).toContain('0.5')
  const kl = await on.text('kl-a-b')
  const other = await on.context.newPage()
  await other.goto(on.page.url())
  await expect.poll(() => other.getByTestId('kl-a-b').textContent()).toBe(kl)
})
