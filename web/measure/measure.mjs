// How fast the page is, in the Chromium that is installed: npm run measure [start] [drag] [session]. Nothing is asserted; docs/performance.md keeps the figures.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { launch, serve, setField, settled } from '../e2e/harness.mjs'
import { writeModel } from './model.mjs'

const FOLDER = fileURLToPath(new URL('../../build/measure/', import.meta.url))
const PROBE = readFileSync(new URL('./probe.js', import.meta.url), 'utf8')
const DRAG_MS = 3000
/** Of a common mouse. */
const MOUSE_MS = 8

/** @typedef {{ inputs: { moved: number, at: number, painted: number | null }[], frames: number[], answers: { ms: number, bytes: number }[] }} Noted */

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

async function drag(/** @type {import('playwright-core').Browser} */ browser, /** @type {string} */ url) {
  for (const [chain, settings, name] of DRAGS) {
    const page = await pageOf(browser, url)
    for (const [field, value] of Object.entries(settings)) await setField(page, field, value)
    const slider = page.getByTestId(`slider-${name}`)
    await page.waitForTimeout(400) // sentences follow the numbers, and may push what is below them
    await slider.scrollIntoViewIfNeeded()
    const box = await slider.boundingBox()
    if (!box) throw new Error(`no slider ${name}`)
    const mouse = await page.context().newCDPSession(page)
    const y = box.y + box.height / 2
    const x = (/** @type {number} */ share) => box.x + 9 + share * (box.width - 18)
    await page.mouse.move(x(0.5), y)
    await page.mouse.down()
    await note(page)
    const began = performance.now()
    await new Promise((done) => {
      const timer = setInterval(() => {
        const share = (performance.now() - began) / DRAG_MS
        if (share > 1) return clearInterval(timer), done(null)
        mouse.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x: x(0.5 + 0.4 * Math.sin(4 * Math.PI * share)), y, button: 'left', buttons: 1 }).catch(() => {})
      }, MOUSE_MS)
    })
    await page.waitForTimeout(300)
    const { inputs, answers, frames: times } = await noted(page)
    await page.mouse.up()
    const lags = inputs.flatMap(({ at, painted }) => (painted === null ? [] : [painted - at]))
    console.log(`drag of ${name} (${chain}): ${frames(times)}; input to final numbers ${ms(quantile(lags, 0.5))}, 95th percentile ${ms(quantile(lags, 0.95))}; ${answers.length} answers of ${quantile(answers.map((answer) => answer.bytes), 0.5)} bytes, ${ms(quantile(answers.map((answer) => answer.ms), 0.5))} each`)
    await page.context().close()
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

/** @type {Record<string, (browser: import('playwright-core').Browser) => Promise<void>>} */
const parts = {
  start,
  drag: (browser) => serving({ args: ['-m', model('wide', 151_936)] }, (url) => drag(browser, url)),
  session: (browser) => serving({ args: ['-m', model('long', 4096)] }, (url) => session(browser, url)),
}
const wanted = process.argv.slice(2)
const browser = await launch()
try {
  for (const [name, part] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await part(browser)
} finally {
  await browser.close()
}
