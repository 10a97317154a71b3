// Takes the pictures of docs/gallery from the running program: npm run gallery. Eight states, three widths, both themes; same model, same seed,
// same pictures. `npm run gallery -- ranks course 360` takes only those.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { launch, serve, settled } from './harness.mjs'

const OUT = fileURLToPath(new URL('../../docs/gallery/', import.meta.url))
const PROMPT = 'The little girl opened the door and saw a'
const SETTINGS = { repetition_penalty: 1.15, temperature: 0.8, top_k: 40, top_p: 0.8 }
const SEED = 13
/** Width, and the height up to which the page is shown. */
const SIZES = /** @type {const} */ ([[360, 2000], [1024, 1500], [1680, 1200]])
/** Of WebP, 0 to 1: small type stays clean. */
const QUALITY = 0.84

/** What shows that a view has its answer. */
const READY = ['row', 'ranks-headline', 'branch', 'against', 'sentence-token']

/** @typedef {import('playwright-core').Page} Page */
/** @type {{ name: string, says: string, at: Record<string, string>, picks?: number, deed?: (page: Page) => Promise<void> }[]} */
const STATES = [
  { name: 'first-look', says: 'What one sees first: a sentence, and every token that could come next', at: {} },
  {
    name: 'search', says: 'Any token of the vocabulary, by typing a part of it', at: { prompt: PROMPT, seed: String(SEED) }, picks: 6,
    deed: async (page) => {
      await page.getByTestId('search').fill('prin')
      await page.getByTestId('found').first().waitFor()
    },
  },
  {
    name: 'pipeline', says: 'The pipeline at work: penalty, temperature, top-k and top-p, what each cut and by how much', picks: 4,
    at: { prompt: PROMPT, set: JSON.stringify(SETTINGS), seed: String(SEED) },
  },
  {
    name: 'branches', says: 'What was said, what could have been said, and what each is worth', at: { prompt: PROMPT, seed: String(SEED), view: 'tree' }, picks: 8,
    deed: async (page) => {
      for (const [from, row] of /** @type {const} */ ([[3, 1], [1, 2]])) {
        await page.getByTestId('pick').nth(from).focus()
        await page.keyboard.press('Enter')
        await page.waitForFunction((n) => document.querySelectorAll('[data-testid=pick]').length === n, from)
        await page.getByTestId('tab-river').click()
        await settled(page)
        for (let i = 0; i < 6; i++) {
          await page.getByTestId('row').nth(i === 0 ? row : 0).click()
          await page.getByTestId('pick').nth(from + i).waitFor()
          await settled(page)
        }
      }
      await page.getByTestId('tab-tree').click()
      await page.getByTestId('branch').nth(2).waitFor()
    },
  },
  { name: 'ranks', says: 'Rank against probability on logarithmic axes, with the lines of top-k, top-p and min-p', picks: 4, at: { prompt: PROMPT, set: JSON.stringify({ ...SETTINGS, min_p: 0.02 }), seed: String(SEED), view: 'ranks' } },
  {
    name: 'dialects', says: 'The same settings in two engines, in the same rows', at: { prompt: 'The king said', set: JSON.stringify({ temperature: 0.5, top_p: 0.8 }), seed: String(SEED), view: 'compare' },
    deed: async (page) => {
      await page.getByTestId('against').selectOption('llama.cpp')
      await page.getByTestId('total-variation').waitFor()
    },
  },
  { name: 'sentence', says: 'Surprisal and entropy along the sentence', picks: 24, at: { prompt: PROMPT, set: JSON.stringify(SETTINGS), seed: String(SEED), view: 'sentence' } },
  { name: 'course', says: 'The course, on the live page', at: { prompt: 'They lived happily ever', set: JSON.stringify({ top_p: 0.9 }), lesson: '4' } },
]

/** The address of a state: what is picked there is what the core draws with this seed. */
async function addressOf(/** @type {string} */ url, /** @type {(typeof STATES)[number]} */ { at, picks = 0 }) {
  const hash = new URLSearchParams(at)
  if (picks > 0) {
    const post = async (/** @type {string} */ path, /** @type {object} */ body) => (await fetch(`${url}api/v1/${path}`, { method: 'POST', body: JSON.stringify(body) }))
    const { ids } = /** @type {{ ids: number[] }} */ (await (await post('tokenize', { text: at.prompt })).json())
    const sampler = { ...JSON.parse(at.set ?? '{}'), seed: SEED }
    const events = await (await post('generate', { tokens: ids, prompt_length: ids.length, sampler, n: picks })).text()
    const drawn = [...events.matchAll(/^event: token\ndata: (.*)$/gm)].map((match) => /** @type {{ token: { id: number } }} */ (JSON.parse(match[1] ?? '')).token.id)
    hash.set('picks', drawn.join('.'))
    hash.set('how', 's'.repeat(drawn.length))
  }
  return Object.keys(at).length > 0 ? `${url}#${hash.toString()}` : url
}

const only = process.argv.slice(2)
const chosen = (/** @type {string[]} */ all, /** @type {string} */ one) => !all.some((name) => only.includes(name)) || only.includes(one)
const states = STATES.filter(({ name }) => chosen(STATES.map((state) => state.name), name))
const sizes = SIZES.filter(([width]) => chosen(SIZES.map(String).map((size) => size.split(',')[0] ?? ''), String(width)))
mkdirSync(OUT, { recursive: true })
const server = await serve()
const browser = await launch()
const press = await (await browser.newContext()).newPage()

/** PNG to WebP, by the browser that is there anyway. */
const asWebp = async (/** @type {Buffer} */ png) => {
  const url = await press.evaluate(async ([source, quality]) => {
    const image = new Image()
    image.src = `data:image/png;base64,${source}`
    await image.decode()
    const canvas = document.createElement('canvas')
    ;[canvas.width, canvas.height] = [image.width, image.height]
    canvas.getContext('2d')?.drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', quality)
  }, /** @type {const} */ ([png.toString('base64'), QUALITY]))
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')
}

let bytes = 0
for (const [width, height] of sizes) {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    for (const state of states) {
      const context = await browser.newContext({ viewport: { width, height: width < 500 ? 800 : height }, colorScheme, reducedMotion: 'reduce' })
      const page = await context.newPage()
      await page.goto(await addressOf(server.url, state))
      await page.locator(`#view :is(${READY.map((id) => `[data-testid=${id}]`).join()})`).first().waitFor()
      await state.deed?.(page)
      await page.mouse.move(0, 0)
      await page.evaluate(async () => {
        await document.fonts.ready
        if (document.activeElement instanceof HTMLElement && !document.activeElement.matches('[data-testid=search]')) document.activeElement.blur()
        window.scrollTo(0, 0)
      })
      await page.waitForLoadState('networkidle')
      await page.waitForTimeout(400) // numbers along the sentence are asked for a moment later
      const whole = await page.evaluate(() => document.documentElement.scrollHeight)
      const png = await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width, height: Math.min(whole, height) } })
      const webp = await asWebp(png)
      writeFileSync(`${OUT}${state.name}-${width}-${colorScheme}.webp`, webp)
      bytes += webp.length
      await context.close()
    }
  }
  console.log(`${width} px: ${(bytes / 1024).toFixed(0)} KiB so far`)
}
await browser.close()
await server.stop()

const picture = (/** @type {string} */ name, /** @type {number} */ width, /** @type {string} */ theme) => `[${width}](${name}-${width}-${theme}.webp)`
writeFileSync(`${OUT}README.md`, `# The page in eight states

Each at 360, 1024 and 1680 pixels, light and dark; taken by \`npm --prefix web run gallery\`, and the same again as long as model and page are.

| | light | dark |
| --- | --- | --- |
${STATES.map(({ name, says }) => `| ${says} | ${SIZES.map(([width]) => picture(name, width, 'light')).join(' ')} | ${SIZES.map(([width]) => picture(name, width, 'dark')).join(' ')} |`).join('\n')}

${STATES.map(({ name, says }) => `## ${says}\n\n![${says}](${name}-1680-light.webp)`).join('\n\n')}
`)
