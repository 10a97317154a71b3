// A conversation as the text in the prompt field: JSON of roles and contents, so that drafts, undo, addresses and files need to know of one kind of text only.
import type { Message } from '../api/backend'

export const ROLES = ['system', 'user', 'assistant'] as const

export const writeTurns = (turns: readonly Message[]): string => JSON.stringify(turns.map(({ role, content }) => ({ role, content })))

/** What is no conversation is one thing a user says. */
export function readTurns(text: string): Message[] {
  try {
    const turns: unknown = JSON.parse(text)
    if (Array.isArray(turns) && turns.length > 0 && turns.every(isMessage)) return turns
  } catch {
    // Plain text.
  }
  return [{ role: 'user', content: text }]
}

/** The plain text a conversation goes back to: what its user said last. */
export const plainOf = (text: string): string => readTurns(text).filter((turn) => turn.role === 'user').at(-1)?.content ?? ''

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'role' in value && 'content' in value && typeof value.role === 'string' && typeof value.content === 'string'
}
