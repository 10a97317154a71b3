// Part 2: going back, branching, and what the branches weigh.
import { expect, test } from 'vitest'
import { seriousFindings } from './axe'
import { settled } from './harness.mjs'
import { OnPage } from './page'

const on = new OnPage('Once upon a time, there was a little')

/** Six tokens, and another choice at the third of them with four more. */
async function fork() {
  await on.generate(6)
  await on.see('pick').nth(2).click()
  await expect.poll(() => on.see('pick').count()).toBe(2)
  await settled(on.page)
  await on.see('row').nth(5).click()
  await expect.poll(() => on.see('pick').count()).toBe(3)
  await settled(on.page)
  await on.generate(4)
  await on.tab('tree')
}

// Mutation: compare from the beginning of the text -> red: the counts.
test('two branches are compared from where they part; a name stays; undo and redo have buttons', async () => {
  await fork()
  const prompt = (await on.ids()).length
  expect(await on.text('parting')).toContain(`${prompt + 2} tokens in common`)
  const [a, b] = [await on.see('branch-logprob').nth(0).textContent(), await on.see('branch-logprob').nth(1).textContent()]
  const both = /has (-?[\d.]+) nats in 4 tokens, branch 2 (-?[\d.]+) in 5 tokens/.exec((await on.text('parting')) ?? '')
  expect(Number(both?.[1]) - Number(both?.[2])).toBeCloseTo(Number(a) - Number(b), 1)
  expect(await on.page.locator('[data-testid=branch-compare] .way button').count()).toBe(9)

  await on.see('branch').nth(1).getByTitle('Rename').click()
  await on.page.getByLabel('Name of the branch').fill('the odd one')
  await on.page.keyboard.press('Enter')
  await expect.poll(() => on.text('parting')).toContain('the odd one')
  expect(await seriousFindings(on.page)).toEqual([])

  await on.see('branch').nth(1).getByText('remove').click()
  await expect.poll(() => on.see('branch').count()).toBe(1)
  await on.see('undo').click()
  await expect.poll(() => on.see('branch').count()).toBe(2)
  await on.see('redo').click()
  await expect.poll(() => on.see('branch').count()).toBe(1)
})
