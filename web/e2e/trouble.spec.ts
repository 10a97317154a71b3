// What goes wrong around a page, as a person meets it: it says what happens, goes on by itself where it can, and loses nothing that was typed.
import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import type { Next } from '../src/lib/api/wire'
import { writeModel } from '../measure/model.mjs'
import { seriousFindings } from './axe'
import { noted, open, serve, setField, settled } from './harness.mjs'
import { OnPage } from './page'

const PROMPT = 'Once upon a time, there was a little'

const folder = mkdtempSync(join(tmpdir(), 'logitpeek-'))
for (const name of ['other', 'broken']) writeModel(join(folder, `${name}.gguf`), { vocabulary: 512, context: 256, name: `${name} words` })
afterAll(() => rmSync(folder, { recursive: true }))

const on = new OnPage(PROMPT, { env: { LOGITPEEK_MODELS: folder } })
let page: Page
beforeEach(() => {
  ;({ page } = on)
})
afterEach(async () => void (await post('model', { name: 'logitpeek-tales-q8_0' }))) // whatever was loaded, the next one finds the first

const post = (path: string, body: object) => fetch(`${on.url}api/v1/${path}`, { method: 'POST', body: JSON.stringify(body) })
const prompt = (where = page) => where.getByLabel('Prompt', { exact: true })
const sentence = (where = page) => where.getByTestId('running-text').textContent()
const picks = (where = page) => where.getByTestId('pick')
const problem = () => page.getByTestId('problem')
const notice = () => page.getByTestId('notice')
const quiet = () => problem().waitFor({ state: 'detached' })

async function stream(pace: string, n: number) {
  await page.getByTestId('pace').selectOption(pace)
  await page.getByTestId('generate-n').fill(String(n))
  await page.getByTestId('generate').click()
  await picks().nth(2).waitFor()
}

// Mutation: forget the picks when a stream breaks off -> red.
test('the server ends in the middle of a text: what came stays, and the page goes on when it is back', async () => {
  const own = await serve()
  const context = await on.browser.newContext({ reducedMotion: 'reduce' })
  page = await open(context, own.url, PROMPT)
  await stream('100', 60)
  await own.stop()
  await problem().waitFor()
  expect(await problem().textContent()).toContain('No answer')
  const text = await sentence()
  expect(await picks().count()).toBeGreaterThan(2)
  await prompt().fill('typed while nobody listens')
  const back = await serve({ port: Number(new URL(own.url).port) })
  await quiet()
  expect(await sentence()).toBe(text)
  expect(await prompt().inputValue()).toBe('typed while nobody listens')
  await context.close()
  await back.stop()
})

test('a reload in the middle of a text finds what had come, and can go on', async () => {
  await stream('100', 80)
  await page.waitForTimeout(500) // the tab remembers a quarter of a second behind
  const text = (await sentence()) ?? ''
  await page.reload()
  await settled(page)
  const found = (await sentence()) ?? ''
  expect(found.startsWith(PROMPT) && found.length > PROMPT.length).toBe(true)
  expect(text.startsWith(found) || found.startsWith(text)).toBe(true)
  expect(await page.getByTestId('generate').count()).toBe(1) // nothing runs on by itself
  const before = await picks().count()
  await page.getByTestId('greedy').or(page.getByRole('button', { name: /^Greedy/ })).first().click()
  await expect.poll(() => picks().count()).toBe(before + 1)
})

test('a slow model: the old picture stays, marked as old; typing goes on, and the last word counts', async () => {
  let answer = () => {}
  let slow = Promise.resolve()
  await page.routeWebSocket(/./, (line) => {
    const server = line.connectToServer()
    line.onMessage((question) => void slow.then(() => server.send(question)))
  })
  await page.reload()
  await settled(page)
  slow = new Promise((done) => (answer = done))
  for (const text of ['The', 'The king', 'The king had']) {
    await prompt().fill(text)
    await expect.poll(() => sentence()).toBe(text)
  }
  expect(await page.locator('ol[role=listbox]').getAttribute('aria-busy')).toBe('true')
  expect(await page.getByTestId('row').count()).toBe(20)
  await prompt().press('End')
  await page.keyboard.type(' a')
  answer()
  await expect.poll(() => sentence(), { timeout: 10_000 }).toBe('The king had a')
  await settled(page)
  const { ids } = (await (await post('tokenize', { text: 'The king had a' })).json()) as { ids: number[] }
  const next = (await (await post('next', { tokens: ids })).json()) as Next
  expect(Number(await page.getByTestId('row').first().getAttribute('data-id'))).toBe(next.tokens[0]?.id)
})

// Mutation: HttpBackend has no other way than the line -> red.
test('a line that is cut in the middle of a question: the question is asked again, over HTTP', async () => {
  let cut = false
  let heard = 0
  await page.routeWebSocket(/./, (line) => {
    const server = line.connectToServer()
    line.onMessage((question) => {
      heard++
      if (cut) void line.close()
      else server.send(question)
    })
  })
  await page.reload()
  await settled(page)
  await setField(page, 'temperature', 0.9)
  expect(heard).toBeGreaterThan(0)
  cut = true
  const before = heard
  for (const temperature of [0.5, 0.6]) {
    await setField(page, 'temperature', temperature)
    const { ids } = (await (await post('tokenize', { text: PROMPT })).json()) as { ids: number[] }
    const next = (await (await post('next', { tokens: ids, sampler: { temperature } })).json()) as Next
    expect(await page.getByTestId('metric-entropy').textContent()).toContain(next.metrics.entropy_bits.toFixed(2))
  }
  expect(heard).toBe(before + 1)
  expect(await page.getByText('No answer').count()).toBe(0)
})

test('a model that cannot be loaded: said where it was asked for, and the old one stays', async () => {
  await page.getByTestId('row').first().click()
  await picks().first().waitFor()
  const text = await sentence()
  await page.getByTestId('model').click()
  const use = page.locator('li', { hasText: 'broken words' }).getByRole('button', { name: 'Use' })
  await use.waitFor()
  truncateSync(join(folder, 'broken.gguf'), 40_000)
  await use.click()
  const said = page.locator('dialog').getByRole('alert')
  await said.waitFor()
  expect(await said.textContent()).toMatch(/broken\.gguf|truncated|beyond|end/i)
  await page.keyboard.press('Escape')
  expect(await page.getByTestId('model').textContent()).toContain('tales')
  expect(await sentence()).toBe(text)
  expect(await prompt().getAttribute('aria-invalid')).not.toBe('true')
  await page.getByTestId('field-temperature').fill('0.7')
  await quiet()
})

test('an address edited by hand, with picks that this model does not have: said, and the prompt is there', async () => {
  await page.goto('about:blank')
  await page.goto(`${on.url}#prompt=The+king&picks=99999999.5`)
  await problem().waitFor()
  expect(await problem().textContent()).toMatch(/99999999|vocabulary|token/i)
  expect(await prompt().inputValue()).toBe('The king')
})

test('an address with a dialect and a setting that are not known: the rest of it is there, and what was left out is said', async () => {
  await page.goto('about:blank')
  await page.goto(`${on.url}#prompt=The+king&dialect=klingon&set=${encodeURIComponent(JSON.stringify({ bogus: 1, top_p: 0.9 }))}`)
  await problem().waitFor()
  expect(await problem().textContent()).toMatch(/klingon.*bogus/)
  await settled(page)
  expect(await page.getByTestId('row').count()).toBe(20)
  expect(await page.getByTestId('field-top_p').inputValue()).toBe('0.9')
  await prompt().fill('The wolf')
  await expect.poll(() => sentence()).toBe('The wolf')
  await expect.poll(() => problem().count()).toBe(0)
})

// Mutation: keep the tab's memory in localStorage -> red.
test('two tabs at once: each keeps its own text, settings and numbers, also over a reload', async () => {
  const other = await open(on.context, on.url, 'The king')
  await setField(other, 'temperature', 0.5)
  await page.getByTestId('row').first().click()
  await picks().first().waitFor()
  await other.getByTestId('row').nth(1).click()
  await picks(other).first().waitFor()
  await Promise.all([settled(page), settled(other)])
  const said = [await sentence(), await sentence(other)]
  expect(said[0]?.startsWith(PROMPT)).toBe(true)
  expect(said[1]?.startsWith('The king')).toBe(true)
  await Promise.all([noted(page), noted(other)])
  for (const each of [page, other]) {
    await each.reload()
    await settled(each)
  }
  expect([await sentence(), await sentence(other)]).toEqual(said)
  expect([await page.getByTestId('field-temperature').inputValue(), await other.getByTestId('field-temperature').inputValue()]).toEqual(['1', '0.5'])
})

// Mutation: show the answer whatever model gave it -> red.
test('a model loaded in another tab: this one reads its text anew with it, and undo has what was picked', async () => {
  await page.getByTestId('row').first().click()
  await picks().first().waitFor()
  await settled(page)
  const other = await open(on.context, on.url)
  expect((await post('model', { name: 'other' })).status).toBe(200) // as the other tab's dialog does
  await page.getByTestId('field-temperature').fill('0.7')
  await expect.poll(() => page.title(), { timeout: 10_000 }).toContain('other words')
  await settled(page)
  expect([await prompt().inputValue(), await picks().count()]).toEqual([PROMPT, 0])
  expect(await page.getByTestId('field-temperature').inputValue()).toBe('0.7')
  await expect.poll(() => notice().textContent()).toContain('loaded “other words”, and your text was read anew')
  expect(await seriousFindings(page)).toEqual([])
  await notice().getByRole('button', { name: 'Dismiss' }).click()
  expect(await notice().count()).toBe(0)
  await page.getByTestId('undo').click()
  expect(await picks().count()).toBe(1)
  await other.getByTestId('field-temperature').fill('0.6')
  await expect.poll(() => other.title(), { timeout: 10_000 }).toContain('other words')
})
