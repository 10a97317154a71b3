// axe-core finds nothing serious in any view, dialog or step of the course, in light and in dark.
import { expect, test } from 'vitest'
import { STEPS } from '../src/lib/course/steps'
import { TABS } from '../src/lib/state/view.svelte'
import { seriousFindings } from './axe'
import { setField, settled } from './harness.mjs'
import { OnPage, SIGNS } from './page'

const on = new OnPage('The little girl opened the door and saw a')

/** Tokens that are cut, other settings kept as A, and two branches. */
async function fill() {
  await setField(on.page, 'temperature', 0.7)
  await on.tab('compare')
  await on.see('freeze').click()
  await on.tab('river')
  await setField(on.page, 'top_p', 0.8)
  await on.generate(4)
  await on.see('pick').nth(2).click()
  await expect.poll(() => on.see('pick').count()).toBe(2)
  await settled(on.page)
  await on.see('row').nth(3).click()
  await expect.poll(() => on.see('pick').count()).toBe(3)
  await settled(on.page)
}

// One test a scheme, for filling the page takes longer than looking at it.
// Mutation: #888 for either --ink-2 in tokens.css -> red.
test.each(['light', 'dark'] as const)('nothing serious in any view or dialog: %s', async (scheme) => {
  await on.page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
  await fill()
  const found: Record<string, string[]> = {}
  const look = async (place: string) => {
    const findings = await seriousFindings(on.page)
    if (findings.length > 0) found[place] = findings
  }
  for (const tab of TABS) {
    await on.tab(tab)
    await on.see(SIGNS[tab]).first().waitFor()
    await look(tab)
  }
  await on.tab('river')

  const inSheet = async (place: string, open: () => Promise<void>, sign: string) => {
    await open()
    await on.page.locator('dialog[open]').locator(sign).first().waitFor()
    await look(place)
    await on.page.keyboard.press('Escape')
    await on.page.locator('dialog[open]').waitFor({ state: 'detached' })
  }
  await inSheet('models', () => on.see('model').click(), 'li')
  await inSheet('take away', () => on.see('take').click(), '[data-testid=code]')
  await inSheet('shortcuts', () => on.page.getByLabel('Keyboard shortcuts').click(), '[data-testid=help]')

  await on.see('dialect').selectOption('transformers')
  await setField(on.page, 'temperature', 0)
  await on.see('refused-temperature').waitFor()
  await look('a setting refused')
  await on.see('reset-all').click()
  await on.see('refused-temperature').waitFor({ state: 'detached' })
  expect(found).toEqual({})
}, 180_000)

test.each(['light', 'dark'] as const)('nothing serious in any step of the course: %s', async (scheme) => {
  await on.page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
  await on.see('learn').click()
  const found: Record<string, string[]> = {}
  for (const [at, step] of STEPS.entries()) {
    await on.page.locator('.dots button').nth(at).click()
    await expect.poll(() => on.text('step-title')).toBe(step.title)
    await settled(on.page)
    await on.page.locator('.formula math').first().waitFor()
    const findings = await seriousFindings(on.page, '.course')
    if (findings.length > 0) found[step.id] = findings
  }
  expect(found).toEqual({})
}, 180_000)
