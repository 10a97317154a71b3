// The course, walked through as a person would, on the shipped model.
import { beforeEach, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { seriousFindings } from './axe'
import { setField, settled } from './harness.mjs'
import { OnPage } from './page'
import { FLAT, STEPS } from '../src/lib/course/steps'

const on = new OnPage('My own text')
let page: Page
beforeEach(() => {
  ;({ page } = on)
})

const prompt = () => page.getByLabel('Prompt', { exact: true })
const done = () => page.getByTestId('reveal').waitFor()

async function begin(id: string) {
  const at = STEPS.findIndex((step) => step.id === id)
  if ((await page.getByTestId('course').count()) === 0) await page.getByTestId('learn').click()
  await page.locator('.dots button').nth(at).click()
  await expect.poll(() => page.getByTestId('step-title').textContent()).toBe(STEPS[at]?.title)
  await expect.poll(() => prompt().inputValue()).toBe(STEPS[at]?.scene.prompt)
  await settled(page)
  await page.locator('.formula math').first().waitFor()
  expect(await page.getByTestId('reveal').count()).toBe(0)
}

/** What a person does in each step. */
const DEEDS: Record<string, () => Promise<void>> = {
  softmax: async () => {
    await page.getByTestId('row').first().click()
    await expect.poll(() => page.getByTestId('pick').count()).toBe(1)
    expect(await page.getByTestId('reveal').count()).toBe(0) // nothing has overflowed yet
    await page.getByTestId('offset').fill('100')
    expect(await page.getByTestId('naive').first().textContent()).toContain('NaN')
  },
  temperature: () => setField(page, 'temperature', 0),
  top_k: () => prompt().fill(FLAT),
  top_p: () => prompt().fill(FLAT),
  min_p: async () => {
    await setField(page, 'min_p', 0)
    await setField(page, 'top_p', 0.9)
  },
  penalty: async () => {
    await setField(page, 'repetition_penalty', 1)
    await setField(page, 'temperature', 0)
    await page.getByTestId('pace').selectOption('0')
    await page.getByTestId('generate').click()
    await expect.poll(() => page.getByTestId('pick').count()).toBe(20)
    await setField(page, 'repetition_penalty', 1.3)
  },
  entropy: () => prompt().fill('The'),
  perplexity: () => page.getByTestId('tab-sentence').click(),
  kl: () => setField(page, 'top_k', 3),
  generate: async () => {
    await page.getByTestId('pace').selectOption('0')
    await page.getByTestId('generate').click()
  },
  dialects: async () => void (await page.getByTestId('dialect').selectOption('llama.cpp')),
}

// Mutation: never set `ready` in the course -> red.
test.each(STEPS.map((step) => step.id))('%s: set up, done by hand, noticed', async (id) => {
  await begin(id)
  await DEEDS[id]?.()
  await done()
})

test('one’s own text comes back, progress is remembered, nothing serious for a screen reader, and it fits a phone', async () => {
  await begin('temperature')
  await DEEDS.temperature?.()
  await done()
  expect(await seriousFindings(page)).toEqual([])
  await page.getByTestId('bring-back').click()
  await expect.poll(() => prompt().inputValue()).toBe('My own text')
  expect(await page.getByTestId('field-temperature').inputValue()).toBe('1')
  await page.getByTestId('learn').click()
  await page.locator('.dots .done').first().waitFor()
  await page.setViewportSize({ width: 390, height: 844 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
})

// Mutation: reset `now` in setUp alone -> red: the step the address brings is taken for done.
test('an address with another step, while the course is open, begins that step anew', async () => {
  await begin('temperature')
  await DEEDS.temperature?.()
  await done()
  await page.evaluate(() => (location.hash = '#prompt=The+king&lesson=4'))
  await expect.poll(() => page.getByTestId('step-title').textContent()).toBe(STEPS[3]?.title)
  await expect.poll(() => prompt().inputValue()).toBe('The king')
  await settled(page)
  expect(await page.getByTestId('reveal').count()).toBe(0)
  expect(await page.getByTestId('task').textContent()).toContain('Try it')
})

// Mutation: leave out `staged` in Places.open -> red: the step's text and the address's settings, mixed.
test('an address with a step of the course brings its own text and settings; a step that is not there is the last one', async () => {
  const set = encodeURIComponent(JSON.stringify({ top_p: 0.7 }))
  await page.goto('about:blank')
  await page.goto(`${on.url}#prompt=The+king&set=${set}&lesson=4`)
  await expect.poll(() => page.getByTestId('step-title').textContent()).toBe(STEPS[3]?.title)
  await settled(page)
  expect(await prompt().inputValue()).toBe('The king')
  expect(await page.getByTestId('field-top_p').inputValue()).toBe('0.7')
  await page.getByTestId('next-step').click()
  await expect.poll(() => prompt().inputValue()).toBe(STEPS[4]?.scene.prompt)
  await page.goto('about:blank')
  await page.goto(`${on.url}#prompt=The+king&lesson=99`)
  await expect.poll(() => page.getByTestId('step-title').textContent()).toBe(STEPS.at(-1)?.title)
  await settled(page)
  expect(await prompt().inputValue()).toBe('The king')
})
