// docs/http-api.md holds: its examples run as written, and answers have the fields that it and docs/json.md name.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serve } from './harness.mjs'

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../../docs/${name}.md`, import.meta.url)), 'utf8')
const [api, json] = [read('http-api'), read('json')]

const [where = '', ...examples] = /^```sh\n([\s\S]*?)^```/m.exec(api)?.[1]?.trim().split('\n') ?? []
const pathOf = (line: string) => /\$api\/(\w+)/.exec(line)?.[1] ?? ''
/** The rows of the table: what is answered where. */
const table = api.matchAll(/^\| `(?:GET|POST) \/api\/v1\/(\w+)` \|[^|]*\| (.*) \|$/gm)
const promised = new Map([...table].map(([, path = '', answer = '']) => [path, answer]))

/** The names at the first level of `{a, b: [{c}], d?}`. */
function names(shape: string): string[] {
  let [depth, flat] = [0, '']
  for (const letter of shape) {
    if ('}]'.includes(letter)) depth -= 1
    if (depth === 1 && !'{}[]'.includes(letter)) flat += letter
    if ('{['.includes(letter)) depth += 1
  }
  return flat.split(',').map((field) => field.split(':')[0]!.trim())
}
/** The fields of an answer, whose shape stands in json.md or in the table; loading a model answers as `status` does. */
function documented(path: string): string[] {
  const inTable = /`(\{[^`]*\})`/.exec(promised.get(path === 'model' ? 'status' : path) ?? '')?.[1]
  const elsewhere = new RegExp(`^## The answer to \`${path}\`.*\n\`(\\{[^\`]*\\})\``, 'm').exec(json)?.[1]
  const shape = elsewhere ?? inTable
  if (!shape) throw new Error(`no document says what ${path} answers`)
  return names(shape)
}

let server: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  server = await serve()
})
afterAll(() => server?.stop())

/** Runs a line as a person's shell would, against the server of this test. */
function shell(line: string) {
  const here = where.replace('8017', new URL(server.url).port)
  const env = { ...process.env, no_proxy: 'localhost' }
  return spawnSync('bash', ['-o', 'pipefail', '-c', `${here}\n${line}`], { encoding: 'utf8', timeout: 30_000, env })
}
const there = (tool: string) => spawnSync(tool, ['--version']).status === 0

// Mutation: leave the example of `sweep` out of the document -> red.
test('every request has its row and its example', () => {
  expect(where).toMatch(/^api=localhost:8017\/api\/v1$/)
  expect([...new Set(examples.map(pathOf))].sort()).toEqual([...promised.keys()].sort())
})

// Mutation: `"top_pp"` for a setting, or `.metric` in a filter -> red.
test.skipIf(!there('curl') || !there('jq')).each(examples)('runs as written: %s', (line) => {
  const { status, stdout, stderr } = shell(line)
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout.trim().split('\n')).not.toContain('null') // what jq says of a field that is not there
  expect(stdout.trim()).not.toBe('')
})

// Mutation: rename a field in the document -> red.
test.skipIf(!there('curl')).each(examples)('answers with the documented fields: %s', (line) => {
  const [asked = ''] = line.split(' | ')
  const { stdout } = shell(`${asked} -w '\\n%{http_code} %{content_type}'`)
  const at = stdout.lastIndexOf('\n')
  const [body, [code, type]] = [stdout.slice(0, at), stdout.slice(at + 1).split(' ')]
  if (pathOf(line) === 'generate') {
    expect([code, type]).toEqual(['200', 'text/event-stream'])
    expect(body.match(/^event: .*/gm)).toEqual(['event: token', 'event: token', 'event: token', 'event: done'])
  } else if (line.includes('.error')) {
    expect(code).toBe('422')
    const error = expect.objectContaining({ code: expect.any(String), message: expect.any(String) })
    expect(JSON.parse(body)).toEqual({ error })
  } else {
    expect(code).toBe('200')
    const fields = Object.keys(JSON.parse(body) as object)
    expect(fields).toEqual(expect.arrayContaining(documented(pathOf(line))))
    // What the shape leaves out stands in a sentence.
    for (const field of fields) expect(api + json).toMatch(new RegExp(`\\b${field}\\b`))
  }
})
