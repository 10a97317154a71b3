// Takes the README's pictures from the running program: npm run screenshots. Same model, same settings, same pictures.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { launch, open, serve, setField, settled } from './harness.mjs'

const OUT = fileURLToPath(new URL('../../docs/images/', import.meta.url))
const PROMPT = 'The little girl opened the door and saw a'
const SEED = 13
const PICKS = 4

/** @type {{ name: string, width: number, height: number, scheme: 'light' | 'dark' }[]} */
const PICTURES = [
  { name: 'page-light', width: 1440, height: 1216, scheme: 'light' },
  { name: 'page-dark', width: 1440, height: 1216, scheme: 'dark' },
  { name: 'phone-light', width: 390, height: 844, scheme: 'light' },
  { name: 'phone-dark', width: 390, height: 844, scheme: 'dark' },
]

mkdirSync(OUT, { recursive: true })
const server = await serve()
const browser = await launch()
for (const { name, width, height, scheme } of PICTURES) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: scheme, deviceScaleFactor: width < 500 ? 2 : 1.5, reducedMotion: 'reduce',
  })
  const page = await open(context, server.url, PROMPT)
  await page.getByLabel('seed', { exact: true }).fill(String(SEED))
  await setField(page, 'repetition_penalty', 1.15)
  await setField(page, 'temperature', 0.8)
  await setField(page, 'top_k', 40)
  await setField(page, 'top_p', 0.8)
  for (let i = 1; i <= PICKS; i++) {
    await page.getByRole('button', { name: 'Sample' }).click()
    await page.getByTestId('pick').nth(i - 1).waitFor()
    await settled(page)
  }
  await page.mouse.move(0, 0)
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    window.scrollTo(0, window.innerWidth < 500 ? (document.querySelector('.sentence')?.getBoundingClientRect().top ?? 0) - 12 : 0)
    document.querySelector('.knobs')?.scrollTo(0, 0)
  })
  await page.waitForTimeout(300)
  await page.screenshot({ path: `${OUT}${name}.png` })
  console.log(`${name}.png`)
  await context.close()
}
await browser.close()
await server.stop()
