// How fast the page is, in the Chromium that is installed: npm run measure [start] [drag] [session]. Nothing is asserted; docs/performance.md keeps the figures.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { launch, serve, settled } from '../e2e/harness.mjs'
import { drive } from './driver.mjs'
import { writeModel } from './model.mjs'

const FOLDER = fileURLToPath(new URL('../../build/measure/', import.meta.url))
const PROBE = readFileSync(new URL('./probe.js', import.meta.url), 'utf8')
const DRAG_MS = 3000
/** Of a common mouse. */
const MOUSE_MS = 8

/** @typedef {{ inputs: { at: number, told: number, painted: number | null }[], frames: number[], answers: { ms: number, bytes: number }[] }} Noted */

const quantile = (/** @type {number[]} */ all, /** @type {number} */ q) => [...all].sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor(q * all.length))] ?? NaN
const ms = (/** @type {number} */ value) => `${value.toFixed(0)} ms`
const gaps = (/** @type {number[]} */ times) => times.slice(1).map((time, i) => time - (times[i] ?? 0))
const frames = (/** @type {number[]} */ times) => {
  const all = gaps(times)
  return `${(1000 / (all.reduce((a, b) => a + b, 0) / all.length)).toFixed(0)} frames/s, 95th percentile ${ms(quantile(all, 0.95))}, longest ${ms(Math.max(...all))}`
}

/** A synthetic model, written once. */
function model(/** @type {string} */ name, /** @type {number} */ vocabulary) {
  const file = `${FOLDER}${name}.gguf`
  if (!existsSync(file)) writeModel(file, { vocabulary, context: 8192, name: `synthetic ${name}` })
  return file
}

/** @param {import('playwright-core').Browser} browser */
async function pageOf(browser, /** @type {string} */ url) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  await context.addInitScript(PROBE)
  const page = await context.newPage()
  await page.goto(url)
  await settled(page)
  return page
}
const note = (/** @type {import('playwright-core').Page} */ page) => page.evaluate('probe.start(), null')
const noted = async (/** @type {import('playwright-core').Page} */ page) => /** @type {Noted} */ (await page.evaluate('probe.stop()'))

/** Runs `part` against a program that ends with it, however it ends. */
async function serving(/** @type {Parameters<typeof serve>[0]} */ options, /** @type {(url: string) => Promise<void>} */ part) {
  const server = await serve(options)
  try {
    await part(server.url)
  } finally {
    await server.stop()
  }
}

/** The shipped model: process started, page asked for, rows painted. */
async function start(/** @type {import('playwright-core').Browser} */ browser) {
  for (let i = 0; i < 3; i++) {
    const began = performance.now()
    await serving({}, async (url) => {
      const listening = performance.now()
      const page = await pageOf(browser, url)
      const [first, rows] = /** @type {[number, number]} */ (await page.evaluate(`probe.first.then((rows) => [performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN, rows])`))
      console.log(`start ${i + 1}: listening after ${ms(listening - began)}; from navigation, first paint ${ms(first)}, the distribution ${ms(rows)}`)
      await page.context().close()
    })
  }
}

const A = { repetition_penalty: 1.1, temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05 }
const DRAGS = /** @type {const} */ ([
  ['penalty, T, k, p, min-p', A, 'top_p'], ['penalty, T, k, p, min-p', A, 'temperature'], ['penalty, T, k, p, min-p', A, 'repetition_penalty'],
  ['T, p', { temperature: 0.8, top_p: 0.95 }, 'top_p'], ['T', { temperature: 0.8 }, 'temperature'], ['penalty', { repetition_penalty: 1.1 }, 'repetition_penalty'],
])

const pause = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms))
const rest = async (/** @type {import('./driver.mjs').Tab} */ tab) => {
  while (!(await tab.evaluate(`document.querySelector('main')?.dataset.resting === 'true'`))) await pause(50)
}

async function drag(/** @type {string} */ url) {
  const browser = drive()
  try {
    for (const [chain, settings, name] of DRAGS) {
      const tab = await browser.open(url, { width: 1440, height: 900 }, PROBE)
      for (const [field, value] of Object.entries(settings)) {
        await rest(tab)
        await tab.evaluate(`{ const field = document.querySelector('[data-testid=field-${field}]'); field.value = ${value}; field.dispatchEvent(new Event('input', { bubbles: true })); field.dispatchEvent(new Event('blur')) }`)
      }
      await rest(tab)
      await pause(400) // sentences follow the numbers, and may push what is below them
      const box = await tab.evaluate(`{ const slider = document.querySelector('[data-testid=slider-${name}]'); slider.scrollIntoView({ block: 'nearest' }); slider.getBoundingClientRect().toJSON() }`)
      const mouse = (/** @type {string} */ type, /** @type {number} */ share) =>
        tab.send('Input.dispatchMouseEvent', { type, x: box.x + 9 + share * (box.width - 18), y: box.y + box.height / 2, button: 'left', buttons: 1, clickCount: 1 })
      await mouse('mouseMoved', 0.5)
      await mouse('mousePressed', 0.5)
      await tab.evaluate('probe.start(), null')
      const began = performance.now()
      for (let share = 0; share < 1; share = (performance.now() - began) / DRAG_MS) {
        void mouse('mouseMoved', 0.5 + 0.4 * Math.sin(4 * Math.PI * share))
        await pause(MOUSE_MS)
      }
      await pause(300)
      const { inputs, answers, frames: times } = /** @type {Noted} */ (await tab.evaluate('probe.stop()'))
      const lags = (/** @type {'at' | 'told'} */ from) => inputs.flatMap((input) => (input.painted === null ? [] : [input.painted - input[from]]))
      const both = (/** @type {number[]} */ all) => `${ms(quantile(all, 0.5))}, 95th percentile ${ms(quantile(all, 0.95))}`
      console.log(`drag of ${name} (${chain}): ${frames(times)}; final numbers painted ${both(lags('told'))} after the input event, ${both(lags('at'))} after the mouse moved; ${answers.length} answers of ${quantile(answers.map((answer) => answer.bytes), 0.5)} bytes, ${ms(quantile(answers.map((answer) => answer.ms), 0.5))} each`)
      await tab.close()
    }
  } finally {
    await browser.close()
  }
}

async function session(/** @type {import('playwright-core').Browser} */ browser, /** @type {string} */ url) {
  const page = await pageOf(browser, url)
  await page.getByTestId('pace').selectOption('0')
  await page.getByTestId('generate-n').fill('4000')
  const began = performance.now()
  await page.getByTestId('generate').click()
  await page.waitForFunction(() => document.querySelectorAll('[data-testid=pick]').length >= 3000, null, { timeout: 90_000 })
  await note(page)
  await page.waitForFunction(() => document.querySelectorAll('[data-testid=pick]').length >= 4000, null, { timeout: 90_000 })
  console.log(`4,000 tokens streamed in ${ms(performance.now() - began)}; the last thousand: ${frames((await noted(page)).frames)}`)
  await settled(page)
  // A click as a mouse makes it: looking for what is clicked, which takes the driver longer than the page to answer, is not part of it.
  const middle = async (/** @type {string} */ id, /** @type {number} */ n) => {
    const what = page.getByTestId(id).nth(n)
    await what.scrollIntoViewIfNeeded()
    const box = await what.boundingBox()
    if (!box) throw new Error(`no ${id} ${n}`)
    return /** @type {const} */ ([box.x + box.width / 2, box.y + box.height / 2])
  }
  const deeds = /** @type {const} */ ([
    ['pick', ['row', 0], page.mouse.click],
    ['rewind', ['pick', 2000], page.mouse.click],
    ['forward', ['ahead', 1500], page.mouse.click],
    ['hover', ['pick', 1990], (/** @type {number} */ x, /** @type {number} */ y) => page.mouse.move(x, y + 60, { steps: 20 })],
    ['scroll', ['pick', 1990], () => page.mouse.wheel(0, 2000)],
  ])
  for (const [name, [id, n], deed] of deeds) {
    const at = await middle(id, n)
    await page.mouse.move(...at)
    await page.waitForTimeout(600)
    await note(page)
    await deed.call(page.mouse, ...at)
    await settled(page)
    await page.waitForTimeout(600)
    const all = gaps((await noted(page)).frames)
    console.log(`${name} in 4,000 tokens: longest frame ${ms(Math.max(...all))}, ${all.filter((gap) => gap > 50).length} over 50 ms`)
  }
}

/** Runs `part` in a browser of its own, which ends with it. */
async function browsing(/** @type {(browser: import('playwright-core').Browser) => Promise<void>} */ part) {
  const browser = await launch()
  try {
    await part(browser)
  } finally {
    await browser.close()
  }
}

/** @type {Record<string, () => Promise<void>>} */
const parts = {
  start: () => browsing(start),
  drag: () => serving({ args: ['-m', model('wide', 151_936)] }, drag),
  session: () => serving({ args: ['-m', model('long', 4096)] }, (url) => browsing((browser) => session(browser, url))),
}
const wanted = process.argv.slice(2)
for (const [name, part] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await part()
