// Starts the real program and a real browser. Used by the tests and by the screenshots.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const BIN = process.env.LOGITPEEK_BIN ?? fileURLToPath(new URL('../../build/release/bin/logitpeek', import.meta.url))
const START_MS = 60_000

/**
 * @typedef {{ url: string, stop: () => Promise<void> }} Running
 */

/**
 * Starts `logitpeek serve` on `port` (0: any free one) and waits for the address it prints.
 * @param {{ port?: number, args?: string[], env?: Record<string, string> }} [options]
 * @returns {Promise<Running>}
 */
export function serve({ port = 0, args = [], env = {} } = {}) {
  if (!existsSync(BIN)) throw new Error(`there is no logitpeek at ${resolve(BIN)}: build it, or set LOGITPEEK_BIN`)
  const child = spawn(BIN, ['serve', '--port', String(port), '--no-browser', ...args], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
  const ended = new Promise((done) => child.once('exit', done))
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  return new Promise((found, failed) => {
    let said = ''
    const timer = setTimeout(() => void stop().then(() => failed(new Error(`no address within ${START_MS} ms: ${said}`))), START_MS)
    child.once('error', failed)
    child.once('exit', (code) => {
      clearTimeout(timer)
      failed(new Error(`logitpeek ended with ${String(code)}: ${said}`))
    })
    child.stderr.on('data', (chunk) => {
      said += String(chunk)
      const url = /http:\/\/[\d.]+:\d+\//.exec(said)?.[0]
      if (!url) return
      clearTimeout(timer)
      found({ url, stop })
    })
  })
}

/** No window, no graphics card, and nothing of its own going on. */
export const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
]

/** The browser that is installed: LOGITPEEK_CHROMIUM, else the first of the usual names on the PATH. Never a download. */
export function chromiumOf() {
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  const executablePath = process.env.LOGITPEEK_CHROMIUM ?? onPath.find((file) => existsSync(file))
  if (!executablePath) throw new Error('no Chromium on the PATH: install one, or set LOGITPEEK_CHROMIUM')
  return executablePath
}

export const launch = () => chromium.launch({ executablePath: chromiumOf(), args: FLAGS })

/**
 * Opens the page and waits for its first picture.
 * @param {import('playwright-core').BrowserContext} context
 * @param {string} url
 * @param {string} [prompt]
 */
export async function open(context, url, prompt) {
  const page = await context.newPage()
  await page.goto(url)
  await settled(page)
  if (prompt !== undefined) {
    await page.getByLabel('Prompt', { exact: true }).fill(prompt)
    await page.waitForFunction((text) => document.querySelector('[data-testid=running-text]')?.textContent === text, prompt)
    await settled(page)
  }
  return page
}

/**
 * Waits until the page rests: all that was done is answered, and the answer drawn.
 * @param {import('playwright-core').Page} page
 */
export async function settled(page) {
  await page.locator('main[data-resting=true]').waitFor()
}

/**
 * Waits until address and memory of the tab say what the page does. They follow a quarter of a second behind, and of two timers in a page the
 * one that was set later and runs longer ends later, however slow the machine.
 * @param {import('playwright-core').Page} page
 */
export async function noted(page) {
  await settled(page)
  await page.evaluate(() => new Promise((done) => setTimeout(done, 300)))
}

/**
 * Types a value into a number field and waits until the answer to it is on show. A value that asks nothing new, or is none, is answered at once.
 * It begins on a page at rest: an answer may put the cards in another order, and a field that is moved has no focus.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 * @param {string | number} value
 */
export async function setField(page, name, value) {
  await settled(page)
  await page.getByTestId(`field-${name}`).fill(String(value))
  await settled(page)
}
