// The page against the real program and its model: what a person does, and that every number is the core's.
import { seriousFindings } from './axe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Locator, Page } from 'playwright-core'
import type { Next, Sampler } from '../src/lib/api/wire'
import { logit, percent } from '../src/lib/view/format'
import { open, serve, settled, setField } from './harness.mjs'
import { OnPage } from './page'

const PROMPT = 'Once upon a time, there was a little'

const on = new OnPage(PROMPT)
let page: Page
let strangers: string[]
beforeEach(() => {
  ;({ page } = on)
  strangers = []
  on.context.on('request', (request) => {
    if (!request.url().startsWith(on.url)) strangers.push(request.url())
  })
})
afterEach(() => expect(strangers).toEqual([]))

const ask: typeof on.ask = (path, body) => on.ask(path, body)
const promptIds = on.ids
const { next } = on

const rows = () => page.getByTestId('row')
const picks = () => page.getByTestId('pick')
const sentence = () => page.getByTestId('running-text').textContent()
const blur = () => page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())

/** What the page shows, row by row, in the words of the core. */
const shown = () =>
  rows().evaluateAll((all) =>
    all
      .map((row) => {
        const cell = (name: string) => row.querySelector(`[data-cell=${name}]`)?.textContent?.trim() ?? ''
        const rank = Number(row.getAttribute('aria-posinset'))
        return { rank, id: Number((row as HTMLElement).dataset.id), logit: cell('logit'), raw: cell('raw'), final: cell('final') }
      })
      .sort((a, b) => a.rank - b.rank),
  )
const told = (answer: Next) =>
  answer.tokens.map((row) => ({
    rank: row.rank, id: row.id, logit: logit(row.logit), raw: percent(row.prob_raw), final: row.cut_by === null ? percent(row.prob) : 'cut',
  }))

async function pickRow(n: number) {
  const before = await picks().count()
  await rows().nth(n).click()
  await expect.poll(() => picks().count()).toBe(before + 1)
  await settled(page)
}

test('the model is named, and the first picture is the core’s', async () => {
  const status = (await (await fetch(`${on.url}api/v1/status`)).json()) as { model: { name: string; quantization: string } }
  const model = await page.getByTestId('model').textContent()
  expect(model).toContain(status.model.name)
  expect(model).toContain(status.model.quantization)
  expect(await shown()).toEqual(told(await next(await promptIds())))
})

// Mutation: append the wrong row's id in Workbench.pick -> red.
test('five clicks build a sentence, a click on an earlier token rewinds', async () => {
  const ids = await promptIds()
  const chosen: number[] = []
  for (const n of [0, 1, 0, 2, 0]) {
    chosen.push((await shown())[n]?.id ?? -1)
    await page.locator(`[data-testid=row][data-id="${chosen.at(-1)}"]`).click()
    await expect.poll(() => picks().count()).toBe(chosen.length)
    await settled(page)
  }
  expect(await shown()).toEqual(told(await next([...ids, ...chosen])))
  const long = await sentence()
  expect(long?.startsWith(PROMPT)).toBe(true)

  await picks().nth(2).click()
  await expect.poll(() => picks().count()).toBe(2)
  await settled(page)
  expect(await shown()).toEqual(told(await next([...ids, ...chosen.slice(0, 2)])))
  expect(long?.startsWith((await sentence()) ?? 'nothing')).toBe(true)
  expect(await page.getByTestId('ahead').count()).toBe(3)
})

test('each slider is live and the page shows the core’s numbers', async () => {
  const ids = await promptIds()
  const drag = async (name: string, share: number) => {
    await page.getByTestId(`slider-${name}`).scrollIntoViewIfNeeded() // the cards above it may have grown
    const box = await page.getByTestId(`slider-${name}`).boundingBox()
    if (!box) throw new Error(`no slider ${name}`)
    const y = box.y + box.height / 2
    const x = (part: number) => box.x + 9 + part * (box.width - 18)
    await page.mouse.move(x(0.5), y)
    await page.mouse.down()
    for (let part = 1; part <= 8; part++) await page.mouse.move(x(0.5 + ((share - 0.5) * part) / 8), y)
    await page.mouse.up()
    await settled(page)
  }
  const inForce = async (): Promise<Partial<Sampler>> => {
    const field = async (name: string) => page.getByTestId(`field-${name}`).inputValue()
    return {
      repetition_penalty: Number(await field('repetition_penalty')), temperature: Number(await field('temperature')),
      top_k: Number((await field('top_k')) || 0), top_p: Number(await field('top_p')),
      min_p: Number(await field('min_p')),
    }
  }
  let before = await next(ids)
  for (const [name, share] of [['repetition_penalty', 0.3], ['temperature', 0.35], ['top_k', 0.42], ['top_p', 0.8], ['min_p', 0.6]] as const) {
    await drag(name, share)
    const answer = await next(ids, await inForce())
    expect(await shown()).toEqual(told(answer))
    expect(answer.sampler[name], name).not.toBe(before.sampler[name])
    expect(answer.metrics.entropy_bits, name).not.toBe(before.metrics.entropy_bits)
    expect(await page.getByTestId('metric-entropy').textContent()).toContain(answer.metrics.entropy_bits.toFixed(2))
    before = answer
  }
  const last = before.stages.find((stage) => stage.stage === 'top_p')
  expect(await page.getByTestId('cost-top_p').textContent()).toContain(`keeps ${last?.n_out} of ${last?.n_in}`)
  expect(await page.getByTestId('stage-top_k').textContent()).toContain(`${before.stages[2]?.n_out} left`)
  expect(await page.getByTestId('metric-kl_raw_final').textContent()).toContain('∞')
})

test('a field takes a number, refuses what is none, and reset brings back neutral', async () => {
  const ids = await promptIds()
  await setField(page, 'top_p', 0.75)
  expect(await shown()).toEqual(told(await next(ids, { top_p: 0.75 })))
  await page.getByTestId('field-top_p').fill('1.5')
  expect(await page.getByTestId('field-top_p').getAttribute('aria-invalid')).toBe('true')
  expect(await shown()).toEqual(told(await next(ids, { top_p: 0.75 })))
  await page.getByRole('button', { name: 'Reset Top-p' }).click()
  await expect.poll(shown).toEqual(told(await next(ids)))
})

test('a cut lane says what cut it and why', async () => {
  await setField(page, 'temperature', 0.8)
  await setField(page, 'top_k', 12)
  await setField(page, 'top_p', 0.75)
  const answer = await next(await promptIds(), { temperature: 0.8, top_k: 12, top_p: 0.75 })
  const stage = answer.stages[3]
  expect(await page.getByTestId('cut-top_p').textContent()).toContain(stage?.mass_out.toFixed(3))
  expect(await page.getByTestId('cut-top_k').textContent()).toContain('12')
  const cut = answer.tokens.filter((row) => row.cut_by !== null).length
  expect(await page.locator('svg .cross').count()).toBe(cut + (answer.rest.n_kept === 0 ? 1 : 0))
})

// Mutation: send the knobs of the last dialect along -> red.
test('another engine’s dialect: its order, its defaults, its numbers, and no knob for what it does not have', async () => {
  const ids = await promptIds()
  const stages = () => page.locator('[data-testid^=stage-]').evaluateAll((all) => all.map((el) => (el as HTMLElement).dataset.testid?.slice(6)))
  for (const dialect of ['llama.cpp', 'vllm', 'openai', 'logitpeek']) {
    await page.getByTestId('dialect').selectOption(dialect)
    await settled(page)
    const answer = await ask<Next>('/next', { tokens: ids, prompt_length: ids.length, sampler: { dialect }, top: 20, trace: true })
    expect(await shown()).toEqual(told(answer))
    expect(await stages()).toEqual(['raw', ...answer.stages.map((stage) => stage.stage), 'final'])
    expect(await page.getByTestId('field-temperature').inputValue()).toBe(String(answer.sampler.temperature))
    expect(await page.getByTestId('field-top_k').count()).toBe(dialect === 'openai' ? 0 : 1)
  }
  await page.getByTestId('dialect').selectOption('llama.cpp')
  await setField(page, 'temperature', 0.3)
  expect(await shown()).toEqual(told(await ask<Next>('/next', { tokens: ids, sampler: { dialect: 'llama.cpp', temperature: 0.3 }, top: 20, trace: true })))
})

test('the tail opens, in the end to the whole vocabulary', async () => {
  const answer = await next(await promptIds())
  expect(await page.getByTestId('more').textContent()).toBe(`${answer.rest.n.toLocaleString('en')} more`)
  expect(await page.getByTestId('tail-raw').textContent()).toBe(percent(answer.rest.prob_raw))
  for (let i = 0; i < 3 && (await page.getByTestId('more').count()) > 0; i++) {
    const rest = await page.getByTestId('more').textContent()
    await page.getByTestId('more').click()
    await page.waitForFunction((text) => document.querySelector('[data-testid=more]')?.textContent !== text, rest)
  }
  await page.getByText(`All ${answer.vocab_size.toLocaleString('en')} tokens are shown`).waitFor()
})

// Mutation: ignore the key table's "field" rule -> red.
test('keyboard: numbers, arrows, Enter, G, Backspace, and none of it while typing', async () => {
  const ids = await promptIds()
  await page.getByLabel('Prompt', { exact: true }).press('g')
  expect(await picks().count()).toBe(0)
  await page.getByLabel('Prompt', { exact: true }).fill(PROMPT)
  await expect.poll(sentence).toBe(PROMPT)
  await settled(page)
  await blur()

  const first = await shown()
  await page.keyboard.press('2')
  await expect.poll(() => picks().count()).toBe(1)
  await settled(page)
  const second = await shown()
  expect(second).toEqual(told(await next([...ids, first[1]?.id ?? -1])))
  expect(await page.getByTestId('announcement').textContent()).toContain('Picked')

  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  expect(await page.getByRole('listbox').getAttribute('aria-activedescendant')).toBe('row-2')
  await page.keyboard.press('Enter')
  await expect.poll(() => picks().count()).toBe(2)
  await settled(page)
  expect(await shown()).toEqual(told(await next([...ids, first[1]?.id ?? -1, second[2]?.id ?? -1])))

  await page.keyboard.press('Backspace')
  await expect.poll(() => picks().count()).toBe(1)
  await settled(page)
  expect(await shown()).toEqual(second)
  await page.keyboard.press('g')
  await expect.poll(() => picks().count()).toBe(2)
  await settled(page)
  expect(await shown()).toEqual(told(await next([...ids, first[1]?.id ?? -1, second[0]?.id ?? -1])))
})

test('sampling with a seed is reproducible, and again at a place uses the next seed', async () => {
  const seed = page.getByLabel('seed', { exact: true })
  const sampled = async () => {
    await seed.fill('7')
    await blur()
    for (let i = 1; i <= 4; i++) {
      await page.keyboard.press('s')
      await expect.poll(() => picks().count()).toBe(i)
    }
    return sentence()
  }
  const one = await sampled()
  expect(await seed.inputValue()).toBe('7')
  await picks().first().click()
  await expect.poll(() => picks().count()).toBe(0)
  const two = await sampled()
  expect(two).toBe(one)
  await picks().first().click()
  await expect.poll(() => picks().count()).toBe(0)
  await page.getByRole('button', { name: 'Sample' }).click()
  await expect.poll(() => seed.inputValue()).toBe('8')
})

test('a pick has the keyboard too: Enter on it goes back to before it', async () => {
  await pickRow(0)
  await pickRow(0)
  await picks().nth(1).focus()
  await page.keyboard.press('Enter')
  await expect.poll(() => picks().count()).toBe(1)
  await settled(page)
  expect(await picks().count()).toBe(1)
})

test('surprise, rank and probability of a pick on hover', async () => {
  const row = (await next(await promptIds())).tokens[4]
  await pickRow(4)
  await picks().first().hover()
  const card = await page.getByRole('tooltip').textContent()
  expect(card).toContain(percent(row?.prob_raw ?? -1))
  expect(card).toContain(`${(-Math.log2(row?.prob_raw ?? 1)).toFixed(2)} bits`)
  expect(await page.getByTestId('last-pick').textContent()).toContain(`rank ${row?.rank_raw}`)
})

test('a finger sees the card with the first tap and goes back with the second', async () => {
  const touch = await on.browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, reducedMotion: 'reduce' })
  page = await open(touch, on.url, PROMPT)
  await rows().first().tap()
  await expect.poll(() => picks().count()).toBe(1)
  await settled(page)
  await picks().first().tap()
  await page.getByText('Tap again to go back').waitFor()
  expect(await picks().count()).toBe(1)
  await picks().first().tap()
  await expect.poll(() => picks().count()).toBe(0)
  await touch.close()
})

test('bytes that are no character by themselves are shown as bytes, and joined in the running text', async () => {
  const text = 'a ☃ and ▁'
  await page.getByLabel('Prompt', { exact: true }).fill(text)
  await expect.poll(sentence).toBe(text)
  expect(await page.locator('.scroll .bytes').count()).toBeGreaterThan(1)
  expect(await page.locator('.scroll').textContent()).not.toContain('\ufffd')
})

test('with picks, a new prompt waits for Enter; nothing is thrown away by typing', async () => {
  await pickRow(0)
  const prompt = page.getByLabel('Prompt', { exact: true })
  await prompt.fill('The king')
  await page.getByText('Start over').waitFor()
  expect(await picks().count()).toBe(1)
  await prompt.press('Enter')
  await expect.poll(sentence).toBe('The king')
  expect(await picks().count()).toBe(0)
})

test('a prompt longer than the context is refused in one sentence and stays typed', async () => {
  const { model } = (await (await fetch(`${on.url}api/v1/status`)).json()) as { model: { context_length: number } }
  const long = 'one two three four '.repeat(model.context_length / 2)
  const prompt = page.getByLabel('Prompt', { exact: true })
  await prompt.fill(long)
  await page.getByTestId('problem').waitFor()
  expect(await page.getByTestId('problem').textContent()).toMatch(new RegExp(`${model.context_length}`))
  expect(await prompt.inputValue()).toBe(long)
  expect(await prompt.getAttribute('aria-invalid')).toBe('true')
  await prompt.fill(PROMPT)
  await page.getByTestId('problem').waitFor({ state: 'detached' })
})

// Mutation: do not ask again in Workbench.#guard -> red.
test('the server goes and comes back: the page says so, keeps everything, and goes on', async () => {
  const own = await serve()
  const port = Number(new URL(own.url).port)
  const ownContext = await on.browser.newContext({ reducedMotion: 'reduce' })
  page = await open(ownContext, own.url, PROMPT)
  await pickRow(0)
  const text = await sentence()
  await own.stop()
  await page.getByTestId('field-temperature').fill('0.5')
  await page.getByText('No answer').waitFor()
  expect(await sentence()).toBe(text)
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByText('No answer').waitFor()
  const back = await serve({ port }) // from here on nobody clicks: the page asks again by itself
  await page.getByTestId('problem').waitFor({ state: 'detached' })
  await expect.poll(() => page.getByTestId('stage-temperature').textContent()).toContain('T 0.5')
  expect(await sentence()).toBe(text)
  await ownContext.close()
  await back.stop()
})

test('both themes, remembered', async () => {
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  const light = await paper()
  await page.getByRole('button', { name: 'Use the dark theme' }).click()
  expect(await paper()).not.toBe(light)
  await page.reload()
  await settled(page)
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
  const dark = await on.browser.newContext({ colorScheme: 'dark' })
  page = await open(dark, on.url)
  expect(await paper()).not.toBe(light)
  await dark.close()
})

// Mutation: give the words on the left as much room as on a wide screen -> red.
test('nothing sticks out on a narrow phone', async () => {
  await page.setViewportSize({ width: 360, height: 740 })
  await setField(page, 'top_p', 0.75)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
  const box = async (what: Locator) => (await what.boundingBox()) ?? { x: NaN, y: NaN, width: NaN, height: NaN }
  const lane = await box(page.locator('svg .lane path').first())
  const raw = await box(rows().first().locator('[data-cell=raw]'))
  const final = await box(rows().first().locator('[data-cell=final]'))
  expect(lane.width).toBeGreaterThan(80)
  expect(lane.x).toBeGreaterThan(raw.x + raw.width)
  expect(final.x).toBeGreaterThanOrEqual(lane.x + lane.width)
  expect(final.x + final.width).toBeLessThanOrEqual(360)
  expect((await rows().first().boundingBox())?.height).toBeGreaterThanOrEqual(40)
  await page.getByText('Stage by stage').click()
  await page.getByRole('cell', { name: 'p 0.75' }).waitFor()
})

test.each(['light', 'dark'] as const)('axe finds nothing serious, %s', async (scheme) => {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
  await setField(page, 'temperature', 0.7)
  await setField(page, 'top_p', 0.8)
  await pickRow(1)
  await page.getByTestId('metric-entropy').click()
  expect(await seriousFindings(page)).toEqual([])
  await page.setViewportSize({ width: 390, height: 844 })
  expect(await seriousFindings(page)).toEqual([])
})
