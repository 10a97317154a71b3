// What a person does beyond picking: branches, search, streams, views, knobs, addresses and files, each held against the API.
import { readFileSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import type { Comparison, Next, PathAnswer, Sampled } from '../src/lib/api/wire'
import { TABS } from '../src/lib/state/view.svelte'
import { seriousFindings } from './axe'
import { noted, setField, settled } from './harness.mjs'
import { OnPage, SIGNS } from './page'

const PROMPT = 'Once upon a time, there was a little'

const on = new OnPage(PROMPT)
let page: Page
beforeEach(() => {
  ;({ page } = on)
})

const ask: typeof on.ask = (path, body) => on.ask(path, body)
const promptIds = on.ids
const sentence = () => page.getByTestId('running-text').textContent()
const picks = () => page.getByTestId('pick')
const finalOf = (row: number) => page.getByTestId('row').nth(row).locator('[data-cell=final]').getAttribute('title')

const generate = (n: number) => on.generate(n)

// Mutation: grow() from the root instead of where one stands -> red.
test('a stream of tokens; a branch from its middle; nothing is lost, and everything can be undone', async () => {
  await generate(8)
  const long = await sentence()
  await picks().nth(3).click()
  await expect.poll(() => picks().count()).toBe(3)
  await settled(page)
  expect(await page.getByTestId('ahead').count()).toBe(5)
  const other = page.locator('[data-testid=row]').nth(1)
  await other.click()
  await expect.poll(() => picks().count()).toBe(4)
  await page.getByTestId('tab-tree').click()
  expect(await page.getByTestId('branch').count()).toBe(2)
  const weight = Number(await page.getByTestId('branch-logprob').first().textContent())
  const ids = await promptIds()
  await page.getByTestId('branch').first().getByText('stand here').click()
  await expect.poll(sentence).toBe(long)
  const path = await ask<PathAnswer>('/path', { tokens: JSON.parse(JSON.stringify([...ids, ...(await pickedIds())])) as number[] })
  const expected = path.tokens.slice(ids.length - 1).reduce((sum, token) => sum + Math.log(token.prob_raw), 0)
  expect(weight).toBeCloseTo(expected, 2)
  await page.getByTestId('branch').nth(1).getByText('remove').click()
  await expect.poll(() => page.getByTestId('branch').count()).toBe(1)
  await page.keyboard.press('Control+z')
  await expect.poll(() => page.getByTestId('branch').count()).toBe(2)
  expect(await seriousFindings(page)).toEqual([])
})
const pickedIds = async () => new URLSearchParams(new URL(await addressNow()).hash.slice(1)).get('picks')?.split('.').map(Number) ?? []
async function addressNow() {
  await noted(page)
  return page.url()
}

test('a stream can be stopped, and says how far it came', async () => {
  await page.getByTestId('pace').selectOption('330')
  await page.getByTestId('generate').click()
  await expect.poll(() => picks().count()).toBeGreaterThan(0)
  await page.keyboard.press('Escape')
  await page.getByTestId('generate').waitFor()
  const made = await picks().count()
  await page.waitForTimeout(800)
  expect(await picks().count()).toBe(made)
})

test('the whole vocabulary is searched by typing, and Enter picks', async () => {
  await page.locator('body').click({ position: { x: 5, y: 400 } }) // out of the prompt field
  await page.keyboard.press('/')
  await page.getByTestId('search').fill('king')
  const found = await ask<{ matches: number; tokens: { id: number }[] }>('/search', { tokens: await promptIds(), query: 'king', limit: 12 })
  expect(found.tokens.length).toBeGreaterThan(1)
  await expect.poll(() => page.getByTestId('found').count()).toBe(found.tokens.length)
  await page.getByTestId('search').press('Enter')
  await expect.poll(() => picks().count()).toBe(1)
  await settled(page)
  expect(await pickedIds()).toEqual([found.tokens[0]?.id])
  await page.getByTestId('search').fill('zzzzzz')
  await page.getByText('No token contains').waitFor()
})

// Mutation: leave `set` out of the address -> red.
test('an address opens the same page; a reload keeps every branch; another tab gets the path', async () => {
  await setField(page, 'temperature', 0.7)
  await generate(5)
  await picks().nth(2).click()
  await settled(page)
  await page.getByTestId('row').nth(2).click()
  await settled(page)
  const text = await sentence()
  const address = await addressNow()
  await page.reload()
  await settled(page)
  expect(await sentence()).toBe(text)
  await page.getByTestId('tab-tree').click()
  await expect.poll(() => page.getByTestId('branch').count()).toBe(2)
  const other = await on.browser.newContext({ reducedMotion: 'reduce' })
  const copy = await other.newPage()
  await copy.goto(address)
  await settled(copy)
  await expect.poll(() => copy.getByTestId('running-text').textContent()).toBe(text)
  expect(await copy.getByTestId('field-temperature').inputValue()).toBe('0.7')
  await other.close()
})

test('files: a step of the whole vocabulary, a session that opens again, settings as code', async () => {
  await generate(3)
  const text = await sentence()
  await page.getByTestId('take').click()
  const csv = await Promise.all([page.waitForEvent('download'), page.getByTestId('step-csv').click()])
  const lines = readFileSync(await csv[0].path(), 'utf8').split('\r\n')
  const next = await ask<Next>('/next', { tokens: [...(await promptIds()), ...(await pickedIds())], top: 0 })
  expect(lines.filter((line) => /^\d+,/.test(line)).length).toBe(next.vocab_size)
  expect(lines[1]?.split(',').slice(0, 3).join()).toBe(`1,1,${next.tokens[0]?.id}`)
  const [session] = await Promise.all([page.waitForEvent('download'), page.getByTestId('session-json').click()])
  const file = await session.path()
  expect(await page.getByTestId('code').textContent()).toContain('llama-cli')
  expect(await seriousFindings(page)).toEqual([])
  await page.keyboard.press('Escape')
  await page.getByLabel('Prompt', { exact: true }).fill('Something else')
  await page.getByLabel('Prompt', { exact: true }).press('Enter')
  await expect.poll(sentence).toBe('Something else')
  await page.getByTestId('take').click()
  await page.getByTestId('open-session').setInputFiles(file)
  await expect.poll(sentence).toBe(text)
})

test('A against B: the numbers of the core', async () => {
  await setField(page, 'temperature', 0.7)
  await setField(page, 'top_p', 0.8)
  await page.getByTestId('tab-compare').click()
  await page.getByTestId('against').selectOption('llama.cpp')
  const sampler = { temperature: 0.7, top_p: 0.8 }
  const tokens = await promptIds()
  const expected = await ask<Comparison>('/compare', { tokens, a: { dialect: 'logitpeek', ...sampler }, b: { dialect: 'llama.cpp', ...sampler }, top: 30 })
  await expect.poll(() => page.getByTestId('only-a').textContent()).toBe(String(expected.n_only_a))
  await expect.poll(() => page.getByTestId('only-b').textContent()).toBe(String(expected.n_only_b))
  const kl = expected.kl_a_b_bits
  await expect.poll(() => page.getByTestId('kl-a-b').textContent()).toContain(kl === null ? '∞' : kl.toFixed(2))
  await expect.poll(() => page.getByTestId('compare-row').count()).toBe(30)
  expect(await seriousFindings(page)).toEqual([])
})

test('ranks, what if, draws and the sentence show what the core says', async () => {
  await setField(page, 'top_k', 40)
  await generate(3)
  const tokens = [...(await promptIds()), ...(await pickedIds())]
  await page.getByTestId('tab-sentence').click()
  const path = await ask<PathAnswer>('/path', { tokens, sampler: { top_k: 40 } })
  await expect.poll(() => page.getByTestId('path-perplexity').textContent()).toBe(path.perplexity_raw?.toFixed(3))
  expect(await page.getByTestId('path-logprob').textContent()).toContain(path.total_logprob_raw?.toFixed(3))
  await page.getByTestId('tab-draws').click()
  const seed = Number(await page.getByLabel('seed', { exact: true }).inputValue())
  const drawn = await ask<Sampled>('/sample', { tokens, sampler: { top_k: 40, seed }, n: 1000 })
  await expect.poll(() => page.getByTestId('draws-headline').textContent()).toContain(`${drawn.distinct} different`)
  expect(await page.getByTestId('draw-row').first().locator('td').first().textContent()).toBe(String(drawn.tokens[0]?.count))
  await page.getByTestId('tab-ranks').click()
  await expect.poll(() => page.getByTestId('ranks-headline').textContent()).toContain('stops at rank 40; the 4,056 below hold')
  await page.getByTestId('tab-whatif').click()
  await page.getByTestId('whatif-temperature').waitFor()
  expect(await seriousFindings(page)).toEqual([])
})

test('every sampler can be added, is held against the core, and can be put away', async () => {
  await page.getByTestId('add-sampler').selectOption('typical_p')
  await page.getByTestId('card-typical_p').waitFor()
  await setField(page, 'typical_p', 0.6)
  const answer = await ask<Next>('/next', { tokens: await promptIds(), sampler: { typical_p: 0.6 }, top: 20 })
  await expect.poll(() => page.getByTestId('cost-typical_p').textContent()).toContain(`keeps ${answer.metrics.n_kept} of`)
  expect(Number(await finalOf(0))).toBe(answer.tokens[0]?.prob)
  await page.getByRole('button', { name: 'Put Typical-p away' }).click()
  await expect.poll(() => page.getByTestId('card-typical_p').count()).toBe(0)
})

// Mutations: send the settings without the order -> red; leave the focus to the browser when cards change places (Knobs.svelte) -> red.
test('the order of the stages can be changed by keyboard, and changes what is kept', async () => {
  const ids = await promptIds()
  await setField(page, 'temperature', 0.3)
  await setField(page, 'top_p', 0.9)
  const usual = await ask<Next>('/next', { tokens: ids, sampler: { temperature: 0.3, top_p: 0.9 } })
  const turned = await ask<Next>('/next', { tokens: ids, sampler: { chain: 'top_p=0.9;temperature=0.3' } })
  expect(turned.metrics.n_kept).not.toBe(usual.metrics.n_kept)
  await page.getByTestId('grip-top_p').focus()
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('ArrowUp')
  await expect.poll(() => page.getByTestId('cost-top_p').textContent()).toContain(`keeps ${turned.metrics.n_kept} of`)
  for (const key of ['ArrowDown', 'ArrowUp']) {
    await page.keyboard.press(key)
    await settled(page)
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('grip-top_p')
  }
  await page.getByText('the dialect’s order').click()
  await expect.poll(() => page.getByTestId('cost-top_p').textContent()).toContain(`keeps ${usual.metrics.n_kept} of`)
})

test('what a dialect ignores stands greyed with the reason; what it refuses is said on the card', async () => {
  await setField(page, 'min_p', 0.1)
  await page.getByTestId('dialect').selectOption('openai')
  await expect.poll(() => page.getByTestId('cost-min_p').textContent()).toMatch(/no such setting|ignore/i)
  await page.getByTestId('dialect').selectOption('transformers')
  await setField(page, 'temperature', 0)
  await page.getByTestId('refused-temperature').waitFor()
  await page.getByTestId('reset-all').click()
  await expect.poll(() => page.getByTestId('refused-temperature').count()).toBe(0)
})

test('a token is banned by name', async () => {
  const ids = await promptIds()
  const first = (await ask<Next>('/next', { tokens: ids, top: 1 })).tokens[0]
  await page.getByText('Biases and bans').click()
  await page.getByTestId('ban-token').fill(`#${first?.id}`)
  await page.getByTestId('ban-add').click()
  const banned = await ask<Next>('/next', { tokens: ids, sampler: { logit_bias: [{ tokens: first?.id, bias: null }] }, top: 1 })
  await expect.poll(() => finalOf(0)).toBe(String(banned.tokens[0]?.prob))
})

test('models are listed; the shortcuts have a sheet', async () => {
  await page.getByTestId('model').click()
  await page.getByText('in use').waitFor()
  await page.keyboard.press('Escape')
  await page.locator('body').press('?')
  await page.getByTestId('help').waitFor()
  await page.keyboard.press('Escape')
})

test('on a phone every view fits', async () => {
  await page.setViewportSize({ width: 390, height: 844 })
  for (const tab of TABS) {
    await page.getByTestId(`tab-${tab}`).click()
    if (tab === 'compare') await page.getByTestId('freeze').click()
    await page.getByTestId(tab === 'tree' ? 'branch' : SIGNS[tab]).first().waitFor() // there is one branch: nothing to compare
    expect(await page.evaluate(() => document.documentElement.scrollWidth), tab).toBe(390)
  }
})
