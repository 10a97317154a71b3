// axe-core in the page, injected through the browser's own channel because the page's policy allows no foreign script.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
type Axe = { axe: { run: (within: string) => Promise<AxeResults> } }

// axe judges no contrast over a gradient or under a drawing, and thinks a dialog covered by the page below it. Our
// gradients are lines beside the text, hidden drawings say nothing, and what lies under an open dialog is out of reach:
// without them it judges the dialogs, the tokens and most other text outside drawings.
const PLAINLY = `
  * { background-image: none !important }
  svg[aria-hidden=true], :has(> dialog[open]) > :not(dialog) { visibility: hidden !important }`

/** Rules broken seriously or critically, in the whole page or within a part of it, each with the first places where. */
export async function seriousFindings(page: Page, within = 'html'): Promise<string[]> {
  await page.evaluate(source)
  const results = await page.evaluate(
    async ([part, style]) => {
      const plainly = new CSSStyleSheet()
      plainly.replaceSync(style)
      document.adoptedStyleSheets.push(plainly)
      const said = await (globalThis as unknown as Axe).axe.run(part)
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== plainly)
      return said
    },
    [within, PLAINLY] as const,
  )
  return results.violations
    .filter((found) => found.impact === 'serious' || found.impact === 'critical')
    .map(({ id, nodes }) => {
      const places = nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`)
      return `${id}: ${places.join(' | ')}`
    })
}
