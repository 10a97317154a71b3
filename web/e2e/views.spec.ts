// The views beside the pipeline, and what stands around it: every number held against the API, everything by keyboard and finger too.
import { readFileSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import type { BrowserContext, Page } from 'playwright-core'
import type { Comparison, Next, PathAnswer, Sampled, Sampler, Sweep } from '../src/lib/api/wire'
import { interval95 } from '../src/lib/view/binomial'
import { count, percent } from '../src/lib/view/format'
import { story } from '../src/lib/view/story'
import { seriousFindings } from './axe'
import { setField, settled } from './harness.mjs'
import { OnPage } from './page'

const PROMPT = 'The little girl opened the door and saw a'

const on = new OnPage(PROMPT)
let page: Page
let context: BrowserContext
beforeEach(() => {
  ;({ page, context } = on)
})
async function begin(device: Parameters<typeof on.begin>[0]) {
  await on.begin(device)
  ;({ page, context } = on)
}

const ask: typeof on.ask = (path, body) => on.ask(path, body)
const promptIds = on.ids
const next = (tokens: number[], sampler: Partial<Sampler> = {}, more: object = {}) => ask<Next>('/next', { tokens, sampler, top: 20, trace: true, ...more })
const { text, tab } = on

// Mutation: tell the story of the first row whatever is pointed at -> red.
test('the story of a token: under the pointer, under the keys, by a finger that rests, and the page does not move', async () => {
  await setField(page, 'top_p', 0.2)
  const answer = await next(await promptIds(), { top_p: 0.2 })
  const last = answer.tokens.at(-1)!
  expect(last.cut_by).toBe('top_p')
  const height = () => page.evaluate(() => document.documentElement.scrollHeight)
  const before = await height()
  for (const n of [3, 0, 9]) {
    const row = answer.tokens[n]!
    await page.locator(`[data-testid=row][data-id="${row.id}"]`).hover()
    await expect.poll(() => text('story-sentence')).toBe(story(row, answer).sentence)
  }
  expect(await height()).toBe(before)
  await page.mouse.move(0, 0)
  await page.locator('ol[role=listbox]').focus()
  for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowDown')
  await expect.poll(() => text('story-sentence')).toBe(story(answer.tokens[2]!, answer).sentence)
  await page.keyboard.press('End')
  await expect.poll(() => text('story-sentence')).toBe(story(last, answer).sentence)
  expect(await text('story-sentence')).toContain(`it missed by ${last.margin?.toFixed(2)} nats`)
  expect(await seriousFindings(page)).toEqual([])
})

test('a finger that rests on a row reads its story and picks nothing', async () => {
  await begin({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } })
  const answer = await next(await promptIds())
  const row = page.locator(`[data-testid=row][data-id="${answer.tokens[4]!.id}"]`)
  await row.scrollIntoViewIfNeeded()
  const box = (await row.boundingBox())!
  const touch = await context.newCDPSession(page)
  const at = [{ x: box.x + 120, y: box.y + box.height / 2 }]
  await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at })
  await expect.poll(() => text('story-sentence')).toBe(story(answer.tokens[4]!, answer).sentence)
  await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
  await page.waitForTimeout(100)
  expect(await page.getByTestId('pick').count()).toBe(0)
  await row.tap()
  await expect.poll(() => page.getByTestId('pick').count()).toBe(1)
})

test('what was chosen here is marked, even where it is not among the rows', async () => {
  const ids = await promptIds()
  const rare = (await next(ids, {}, { top: 60 })).tokens[50]!
  await page.getByTestId('row').nth(1).click()
  await expect.poll(() => page.getByTestId('pick').count()).toBe(1)
  await page.getByRole('button', { name: /^Back/ }).click()
  await settled(page)
  expect(await page.getByTestId('chosen').count()).toBe(1)
  expect(await page.locator('[data-testid=row]', { has: page.getByTestId('chosen') }).getAttribute('aria-posinset')).toBe('2')

  await page.getByTestId('more').click()
  await page.locator(`[data-testid=row][data-id="${rare.id}"]`).click()
  await expect.poll(() => page.getByTestId('pick').count()).toBe(1)
  await page.getByRole('button', { name: /^Back/ }).click()
  await settled(page)
  await page.getByRole('button', { name: 'fewer' }).click()
  await expect.poll(() => page.getByTestId('chosen-outside').count()).toBe(1)
  expect(await text('chosen-outside')).toContain(`rank ${rare.rank}: ${percent(rare.prob_raw)}`)
})

test('measures along the sentence: surprisal of the last token, and lines that end where one stands', async () => {
  const ids = await promptIds()
  const path = await ask<PathAnswer>('/path', { tokens: ids })
  const last = path.tokens.at(-1)!
  await expect.poll(() => text('metric-surprisal')).toBe(`${last.surprisal_raw_bits?.toFixed(2)}bits`)
  for (const key of ['surprisal', 'entropy', 'perplexity', 'top1', 'kl_final_raw', 'kl_raw_final'] as const) await page.getByTestId(`spark-${key}`).waitFor()
  const points = await page.locator('[data-testid=spark-entropy] path').getAttribute('d')
  expect(points?.split('L').length).toBe(path.tokens.length + 1) // every token, and the one to come
  await page.getByTestId('metric-surprisal').click()
  expect(await text('explanation')).toContain(`rank ${count(last.rank_raw)}: ${last.surprisal_raw_bits?.toFixed(2)} bits, where ${last.entropy_raw_bits.toFixed(2)} were to be expected`)
  expect(await text('explanation')).toContain('D14')
})

// Mutation: swap prob_raw and prob in RankView -> red.
test('ranks: the curve of the core, read by pointer and by arrow keys; the cuts in words', async () => {
  await setField(page, 'top_p', 0.8)
  await setField(page, 'min_p', 0.05)
  await tab('ranks')
  const answer = await next(await promptIds(), { top_p: 0.8, min_p: 0.05 }, { curve: true })
  const [top_p, min_p] = ['top_p', 'min_p'].map((name) => answer.stages.find((stage) => stage.stage === name)!)
  await expect.poll(() => text('ranks-headline')).toBe(
    `Top-p stops at rank ${count(top_p!.n_out)}, min-p at rank ${count(min_p!.n_out)}; the ${count(answer.vocab_size - answer.metrics.n_kept)} below hold ${percent(answer.metrics.mass_cut)} by the model’s own account.`,
  )
  await page.getByRole('group', { name: /arrow keys read it/ }).focus()
  for (const i of [0, 1, 2]) {
    await page.keyboard.press('ArrowRight')
    const point = answer.curve![i]!
    await expect.poll(() => text('ranks-point')).toBe(`rank ${point.rank}: ${percent(point.prob_raw)} raw, ${percent(point.prob)} final`)
  }
  await page.keyboard.press('End')
  await expect.poll(() => text('ranks-point')).toContain('rank 4,096')
  expect(await text('ranks-point')).toContain('cut final')
  expect(await seriousFindings(page)).toEqual([])
})

test('A against B: rows, reasons, what only one keeps, distances; swapped they swap', async () => {
  await setField(page, 'top_k', 10)
  await tab('compare')
  await page.getByTestId('freeze').click()
  await setField(page, 'top_k', 4)
  await setField(page, 'temperature', 1.5)
  const [a, b] = [{ top_k: 10 }, { top_k: 4, temperature: 1.5 }]
  const expected = await ask<Comparison>('/compare', { tokens: await promptIds(), a, b, top: 30 })
  await expect.poll(() => text('only-a')).toBe(String(expected.n_only_a))
  await expect.poll(() => text('total-variation')).toBe(percent(expected.total_variation))
  expect(await text('kl-a-b')).toBe('∞')
  expect(await text('kl-b-a')).toBe(`${expected.kl_b_a_bits?.toFixed(2)} bits`)
  const cells = await page.getByTestId('compare-row').nth(5).locator('td').allTextContents()
  const row = expected.tokens[5]!
  expect(cells.slice(0, 2)).toEqual([percent(row.prob_a), 'cut: top-k'])
  await page.getByRole('button', { name: 'Swap' }).click()
  await expect.poll(() => text('only-b')).toBe(String(expected.n_only_a))
  await expect.poll(() => text('kl-b-a')).toBe('∞')
  expect(await text('kl-a-b')).toBe(`${expected.kl_b_a_bits?.toFixed(2)} bits`)
})

test('the sentence: a token read by keys is the core’s, by either account; Enter stands before it', async () => {
  await setField(page, 'top_k', 20)
  const ids = await promptIds()
  const path = await ask<PathAnswer>('/path', { tokens: ids, sampler: { top_k: 20 } })
  await tab('sentence')
  await expect.poll(() => page.getByTestId('sentence-token').count()).toBe(path.tokens.length)
  await page.getByRole('group', { name: /Surprisal and entropy/ }).focus()
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight')
  const token = path.tokens[2]!
  await expect.poll(() => text('sentence-point')).toContain(`${token.surprisal_raw_bits?.toFixed(2)} bits where ${token.entropy_raw_bits.toFixed(2)} were expected; ${percent(token.prob_raw)}, rank ${token.rank_raw}`)
  await page.getByTestId('account').selectOption('shaped')
  await expect.poll(() => text('sentence-point')).toContain(`${token.surprisal_bits?.toFixed(2)} bits where ${token.entropy_bits.toFixed(2)} were expected; ${percent(token.prob)}`)
  await page.getByRole('group', { name: /Surprisal and entropy/ }).focus()
  await page.keyboard.press('Enter')
  await expect.poll(() => page.getByTestId('sentence-token').count()).toBe(token.position - 1)
})

// No model here takes so many: the answer is stretched on its way to the page. Mutation: draw all tokens in SentenceStrip -> red.
test('a sentence of 4,000 tokens: what is in view is drawn, and its end can be reached', async () => {
  await page.route('**/api/v1/path', async (route) => {
    const answer = (await (await route.fetch()).json()) as PathAnswer
    const { tokens } = answer
    await route.fulfill({ json: { ...answer, tokens: Array.from({ length: 4000 }, (_, i) => ({ ...tokens[i % tokens.length], position: i + 1 })) } })
  })
  await setField(page, 'temperature', 0.9)
  await tab('sentence')
  await expect.poll(() => text('sentence-headline')).toContain('4,000 tokens')
  const drawn = () => page.getByTestId('sentence-token').count()
  expect(await drawn()).toBeLessThan(40)
  await page.getByRole('group', { name: /Surprisal and entropy/ }).focus()
  await page.keyboard.press('End')
  await expect.poll(() => page.locator('[data-testid=sentence-token].on').count()).toBe(1)
  expect(await drawn()).toBeLessThan(40)
})

test('what if: the mark stands on the core’s number for the value that is set; a press sets another', async () => {
  await setField(page, 'temperature', 0.77)
  await tab('whatif')
  const first = () => page.getByTestId('whatif-temperature').locator('figcaption b').allTextContents()
  const sweep = await ask<Sweep>('/sweep', { tokens: await promptIds(), setting: 'temperature', values: [0.77, 1.5] })
  const at = sweep.points[0]!
  await expect.poll(first).toEqual([at.entropy_bits.toFixed(2), percent(at.top1_prob), count(at.n_kept)])
  const svg = (await page.getByTestId('whatif-temperature').locator('svg').first().boundingBox())!
  await page.mouse.click(svg.x + 46 + ((1.5 - 0.05) / 1.95) * (svg.width - 58), svg.y + 60)
  await expect.poll(async () => Number(await page.getByTestId('field-temperature').inputValue())).toBeCloseTo(1.5, 1)
  expect(await seriousFindings(page)).toEqual([])
})

test('draws: counts and intervals of every row, another seed for every press, and a row can be picked', async () => {
  const tokens = await promptIds()
  await tab('draws')
  const seed = Number(await page.getByLabel('seed', { exact: true }).inputValue())
  const cells = () => page.getByTestId('draw-row').evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('td')].slice(0, 3).map((cell) => cell.textContent?.replace(': outside', ''))))
  for (const [n, extra] of [[1000, 0], [1000, 1], [10000, 1]] as const) {
    if (extra === 1 && n === 1000) await page.getByTestId('draw-again').click()
    if (n === 10000) await page.getByRole('button', { name: '10,000', exact: true }).click()
    const drawn = await ask<Sampled>('/sample', { tokens, sampler: { seed: seed + extra }, n, top: 40 })
    const told = drawn.tokens.map((row) => [count(row.count), row.expected < 10 ? row.expected.toFixed(1) : count(Math.round(row.expected)), interval95(n, row.prob).map(count).join('–')])
    await expect.poll(cells).toEqual(told)
  }
  await page.getByTestId('draw-row').first().getByRole('button').click()
  await expect.poll(() => page.getByTestId('pick').count()).toBe(1)
})

// Mutation: leave out the text nodes in picture.ts -> red.
test('pictures: every view as an SVG that stands alone, and as a PNG', async () => {
  await setField(page, 'top_k', 40)
  for (const [name, word] of [['river', 'softmax'], ['ranks', 'probability'], ['sentence', 'girl'], ['whatif', 'entropy, bits'], ['draws', 'expected']] as const) {
    await tab(name)
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save-svg').click()])
    const svg = readFileSync(await file.path(), 'utf8')
    expect(file.suggestedFilename()).toMatch(/^logitpeek-.*\.svg$/)
    expect(svg, name).toContain(word)
    expect(/var\(--|foreignObject|class=/.exec(svg)?.[0]).toBeUndefined()
    const parsed = await page.evaluate((source) => new DOMParser().parseFromString(source, 'image/svg+xml').querySelector('parsererror')?.textContent ?? null, svg)
    expect(parsed, name).toBeNull()
  }
  const [png] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save-png').click()])
  const bytes = readFileSync(await png.path())
  expect(bytes.subarray(1, 4).toString()).toBe('PNG')
  expect(bytes.length).toBeGreaterThan(5000)
})
