// What the page weighs, and whom it asks: nobody but its own server, whatever is opened.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { settled } from './harness.mjs'
import { OnPage } from './page'

const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
const MOST = 400_000
const on = new OnPage('Once upon a time, there was a little')

// Mutation: import all of KaTeX's fonts -> red.
test('all of it, fonts included, is less than 400 kB compressed', () => {
  const files = readdirSync(DIST, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
  expect(files.length).toBeGreaterThan(4)
  const sizes = files.map((file) => gzipSync(readFileSync(join(file.parentPath ?? file.path, file.name)), { level: 9 }).length)
  expect(sizes.reduce((a, b) => a + b)).toBeLessThan(MOST)
})

// Mutation: load a font from elsewhere -> red; so does the policy the server sends.
test('no other host is asked for anything', async () => {
  const asked = new Set<string>()
  on.context.on('request', (request) => asked.add(new URL(request.url()).protocol === 'data:' ? 'data:' : new URL(request.url()).origin))
  await on.page.reload()
  await settled(on.page)
  for (const tab of ['river', 'ranks', 'compare', 'sentence', 'whatif', 'draws', 'tree']) await on.tab(tab)
  await on.see('learn').click()
  await on.page.locator('.formula math').first().waitFor()
  expect([...asked].filter((origin) => origin !== 'data:')).toEqual([new URL(on.url).origin])
})
