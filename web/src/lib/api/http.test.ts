import { expect, test } from 'vitest'
import { Failure } from './backend'
import { HttpBackend } from './http'

const answering = (status: number, body: string) => {
  const calls: { url: string; init: RequestInit | undefined }[] = []
  const backend = new HttpBackend('/api/v1', (url, init) => {
    calls.push({ url, init })
    return Promise.resolve(new Response(body, { status }))
  })
  return { backend, calls }
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
