// What a person carries off: files of the present step and of the whole session. No number is made here; they are the core's, written down.
import type { Next, PathAnswer } from '../api/wire'
import type { Session } from '../state/session'

export interface TextFile {
  name: string
  type: string
  text: string
}

/** RFC 4180: a field with a comma, a quote or a line break stands in quotes, a quote in it is doubled. */
const field = (value: string | number | null) => {
  const text = value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
const csv = (rows: (string | number | null)[][]) => rows.map((row) => row.map(field).join(',') + '\r\n').join('')

export const stepJson = (next: Next): TextFile => ({ name: `logitpeek-step-${next.position}.json`, type: 'application/json', text: JSON.stringify(next, null, 1) })

export const stepCsv = (next: Next): TextFile => ({
  name: `logitpeek-step-${next.position}.csv`,
  type: 'text/csv',
  text: csv([
    ['rank', 'rank_raw', 'id', 'text', 'bytes_hex', 'logit', 'prob_raw', 'prob', 'cut_by', 'margin'],
    ...next.tokens.map((row) => [row.rank, row.rank_raw, row.id, row.text, row.bytes_hex, row.logit, row.prob_raw, row.prob, row.cut_by, row.margin]),
  ]),
})

export const pathCsv = (path: PathAnswer): TextFile => ({
  name: 'logitpeek-sentence.csv',
  type: 'text/csv',
  text: csv([
    ['position', 'id', 'text', 'bytes_hex', 'rank_raw', 'prob_raw', 'surprisal_raw_bits', 'entropy_raw_bits', 'rank', 'prob', 'surprisal_bits', 'entropy_bits', 'cut_by'],
    ...path.tokens.map((t) => [
      t.position, t.id, t.text, t.bytes_hex, t.rank_raw, t.prob_raw, t.surprisal_raw_bits, t.entropy_raw_bits, t.rank, t.prob, t.surprisal_bits, t.entropy_bits, t.cut_by,
    ]),
  ]),
})

/** Every token of every branch: a tree as a table, `parent` the row it follows. */
export const sessionCsv = (session: Session): TextFile => ({
  name: 'logitpeek-session.csv',
  type: 'text/csv',
  text: csv([
    ['node', 'parent', 'branch_name', 'id', 'text', 'bytes_hex', 'how', 'rank_raw', 'prob_raw', 'prob', 'surprisal_bits', 'seed', 'u'],
    ...session.nodes.map((n, i) => [
      i, n.parent, n.name ?? null, n.id, n.text, n.bytes_hex, n.how, n.rank_raw ?? null, n.prob_raw ?? null, n.prob ?? null, n.surprisal_bits ?? null, n.seed ?? null, n.u ?? null,
    ]),
  ]),
})

export const sessionJson = (session: object): TextFile => ({
  name: 'logitpeek-session.json',
  type: 'application/json',
  text: JSON.stringify(session, null, 1),
})
