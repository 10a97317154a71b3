// A browser driven by next to nothing: Chromium's own protocol through a pipe, and only what a drag needs of it. What drives tests listens to
// everything a page does (each message to the server is told to it whole), which took a fifth of a processor while a slider was dragged.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromiumOf, FLAGS } from '../e2e/harness.mjs'

/** @typedef {{ send: (method: string, params?: object) => Promise<any>, evaluate: (expression: string) => Promise<any>, close: () => Promise<void> }} Tab */

/** Starts one; its profile goes with it. */
export function drive() {
  const profile = mkdtempSync(join(tmpdir(), 'logitpeek-drive-'))
  const child = spawn(chromiumOf(), [...FLAGS, '--remote-debugging-pipe', `--user-data-dir=${profile}`], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const [to, from] = /** @type {[import('node:stream').Writable, import('node:stream').Readable]} */ ([child.stdio[3], child.stdio[4]])
  /** @type {Map<number, { answered: (result: any) => void, refused: (why: Error) => void }>} */
  const waiting = new Map()
  let asked = 0
  let heard = ''
  from.setEncoding('utf8').on('data', (part) => {
    const messages = (heard + part).split('\0')
    heard = messages.pop() ?? ''
    for (const { id, result, error } of messages.map((text) => JSON.parse(text))) {
      if (error) waiting.get(id)?.refused(new Error(error.message))
      else waiting.get(id)?.answered(result)
      waiting.delete(id)
    }
  })
  const send = (/** @type {string} */ method, /** @type {object} */ params = {}, /** @type {string | undefined} */ sessionId = undefined) =>
    new Promise((answered, refused) => {
      waiting.set(++asked, { answered, refused })
      to.write(`${JSON.stringify({ id: asked, method, params, sessionId })}\0`)
    })

  /**
   * A tab of its own, in which `script` runs before the page does.
   * @returns {Promise<Tab>}
   */
  async function open(/** @type {string} */ url, /** @type {{ width: number, height: number }} */ { width, height }, /** @type {string} */ script) {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
    const tab = (/** @type {string} */ method, /** @type {object} */ params = {}) => send(method, params, sessionId)
    const evaluate = async (/** @type {string} */ expression) => {
      const { result, exceptionDetails } = await tab('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
      return result.value
    }
    await tab('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
    await tab('Page.enable')
    await tab('Page.addScriptToEvaluateOnNewDocument', { source: script })
    await tab('Page.navigate', { url })
    await tab('Page.disable')
    return { send: tab, evaluate, close: () => send('Target.closeTarget', { targetId }) }
  }

  const ended = new Promise((done) => child.once('exit', done))
  async function close() {
    await send('Browser.close')
    await ended
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  return { open, close }
}
