import { expect, test, vi } from 'vitest'
import { Failure, type NextRequest } from './backend'
import { HttpBackend } from './http'
import type { Wire } from './line'

const answering = (status: number, body: string) => {
  const calls: { url: string; init: RequestInit | undefined }[] = []
  const backend = new HttpBackend('/api/v1', (url, init) => {
    calls.push({ url, init })
    return Promise.resolve(new Response(body, { status }))
  })
  return { backend, calls }
}

const about = (token: number): NextRequest => ({ tokens: [token], prompt_length: 1, sampler: { dialect: 'logitpeek' }, top: 20, trace: true })

/** A backend whose server names a port for WebSockets, and what is done there. */
const onLine = (port: () => number | null = () => 9) => {
  const calls: string[] = []
  const wires: { port: number; sent: string[]; does: (what: string, event?: object) => void }[] = []
  const answer = (url: string) => {
    calls.push(url)
    return Promise.resolve(Response.json({ model: 'over HTTP', socket_port: port() }))
  }
  const backend = new HttpBackend('', answer, (at) => {
    const heard = new Map<string, (event: object) => void>()
    const sent: string[] = []
    wires.push({ port: at, sent, does: (what, event = {}) => heard.get(what)?.(event) })
    const wire = { send: (text: string) => sent.push(text), close: () => {}, addEventListener: (what: string, run: (event: object) => void) => heard.set(what, run) }
    return wire as unknown as Wire
  })
  return { backend, calls, wires }
}

test('a request is JSON to its own path', async () => {
  const { backend, calls } = answering(200, '{"model":"m","tokens":[]}')
  await backend.tokenize('Once “upon”')
  expect(calls[0]?.url).toBe('/api/v1/tokenize')
  expect(calls[0]?.init?.body).toBe('{"text":"Once “upon”"}')
})

// Mutation: throw for every status alike -> red.
test('a refusal carries the core’s own sentence and the field it means', async () => {
  const { backend } = answering(422, '{"error":{"code":"context","message":"Too long.","field":"/tokens"}}')
  const failure = await backend.tokenize('x').catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(Failure)
  expect(failure).toMatchObject({ kind: 'refused', message: 'Too long.', code: 'context', field: '/tokens' })
})

test('a refusal without a body still says something', async () => {
  const { backend } = answering(500, '{}')
  await expect(backend.status()).rejects.toMatchObject({ kind: 'refused', message: 'The server answered with status 500.' })
})

test('no answer, and an answer that is not ours, both mean gone', async () => {
  const silent = new HttpBackend('/api/v1', () => Promise.reject(new TypeError('failed to fetch')))
  await expect(silent.status()).rejects.toMatchObject({ kind: 'gone' })
  await expect(answering(200, '<html>').backend.status()).rejects.toMatchObject({ kind: 'gone' })
})

// Mutation: ask over HTTP although the line is open -> red.
test('what is asked often goes over the line, once there is one; the rest stays with HTTP', async () => {
  const { backend, calls, wires } = onLine()
  await backend.next(about(1))
  await backend.status()
  expect(wires.map(({ port }) => port)).toEqual([9])
  await backend.next(about(2)) // not open yet
  wires[0]?.does('open')
  const next = backend.next(about(3))
  await backend.tokenize('x')
  expect(calls).toEqual(['/next', '/status', '/next', '/tokenize'])
  expect(wires[0]?.sent.map((text) => JSON.parse(text) as unknown)).toEqual([{ id: 1, path: '/next', body: about(3) }])
  wires[0]?.does('message', { data: '{"id":1,"status":200,"body":{"model":"over the line"}}' })
  expect(await next).toEqual({ model: 'over the line' })
})

test('a refusal over the line is the one over HTTP', async () => {
  const { backend, wires } = onLine()
  await backend.status()
  wires[0]?.does('open')
  const next = backend.next(about(1))
  wires[0]?.does('message', { data: '{"id":1,"status":422,"body":{"error":{"code":"context","message":"Too long.","field":"/tokens"}}}' })
  await expect(next).rejects.toMatchObject({ kind: 'refused', message: 'Too long.', code: 'context', field: '/tokens' })
})

// Mutation: let a broken line reject -> red: the page would say that logitpeek is gone.
test('a line that breaks: what was asked on it is asked over HTTP, and the next status has it opened again', async () => {
  const { backend, calls, wires } = onLine()
  await backend.status()
  wires[0]?.does('open')
  const next = backend.next(about(1))
  wires[0]?.does('close')
  expect(await next).toEqual({ model: 'over HTTP', socket_port: 9 })
  expect(calls).toEqual(['/status', '/next'])
  await backend.status()
  expect(wires.length).toBe(2)
})

test('nobody is called twice who did not let us in, unless at another port', async () => {
  const ports = [9, 9, 7]
  const { backend, wires } = onLine(() => ports.shift() ?? null)
  await backend.status()
  wires[0]?.does('close')
  await backend.status()
  expect(wires.length).toBe(1)
  await backend.status()
  expect(wires.map(({ port }) => port)).toEqual([9, 7])
})

test('a page that may not have a line does without', async () => {
  const backend = new HttpBackend('', () => Promise.resolve(Response.json({ socket_port: 9 })), () => {
    throw new Error('insecure')
  })
  await backend.status()
  expect(await backend.next(about(1))).toEqual({ socket_port: 9 })
})

test('an answer that takes too long over the line is asked for over HTTP', async () => {
  vi.useFakeTimers()
  const { backend, wires, calls } = onLine()
  await backend.status()
  wires[0]?.does('open')
  const next = backend.next(about(1))
  await vi.advanceTimersByTimeAsync(599_000)
  expect(calls).toEqual(['/status'])
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await next).toEqual({ model: 'over HTTP', socket_port: 9 })
  vi.useRealTimers()
})
