// What rows of the river say in words (a token with its chips, "chosen", "raw #3"), and where: read off the page, so that a canvas can say it too.
import { baselines, fontOf } from './picture'

/** `token`: looks as its row does. `edge`: a blank at the token's edge. `logit`: a number, which the answer has. `other`: as it stands. */
export interface Run {
  kind: 'token' | 'edge' | 'logit' | 'other'
  text: string
  /** From the left of the list, px. */
  x: number
  /** Of the baseline, from the middle of the row, px. */
  dy: number
  font: string
  ink: string
}

/** A line around something. */
export interface Frame {
  x: number
  /** Of its top, from the middle of the row, px. */
  dy: number
  width: number
  height: number
  round: number
  ink: string
  dotted: boolean
}

export interface Said {
  runs: Run[]
  frames: Frame[]
}

/** What the row of a token in `list` says, by its id; read when first asked for, which may make the browser lay the page out. */
export function saidIn(list: Element): (id: number) => Said {
  const left = list.getBoundingClientRect().left
  const baseline = baselines()
  const known = new Map<number, Said>()
  return (id) => {
    const before = known.get(id)
    if (before) return before
    const said = saidBy(list.querySelector(`[data-id="${id}"]`), left, baseline)
    known.set(id, said)
    return said
  }
}

function saidBy(row: Element | null, left: number, baseline: (font: string) => number): Said {
  const cell = row?.querySelector('[data-cell=token]')
  if (!row || !cell) return { runs: [], frames: [] }
  const box = row.getBoundingClientRect()
  const middle = box.top + box.height / 2
  const runs: Run[] = []
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const from = node.parentElement
    const text = node.textContent ?? ''
    if (!from || text.trim() === '') continue
    const range = document.createRange()
    range.selectNodeContents(node)
    const place = range.getBoundingClientRect()
    const style = getComputedStyle(from)
    const font = fontOf(style)
    const room = (from.closest('[data-clip]') ?? cell).getBoundingClientRect().right - place.left
    runs.push({
      kind: from.closest('[data-cell=logit]') ? 'logit' : from.tagName === 'BDI' ? 'token' : from.tagName === 'I' ? 'edge' : 'other',
      text: clipped(text, place.width, room),
      x: place.left - left,
      dy: place.top + baseline(font) - middle,
      font,
      ink: style.color,
    })
  }
  return { runs, frames: framesIn(cell, left, middle) }
}

/** As much of a text as there is room for; in a font whose letters are all as wide. */
export function clipped(text: string, width: number, room: number): string {
  if (width <= room + 0.5) return text
  const letters = [...text]
  return letters.slice(0, Math.max(0, Math.floor((room / width) * letters.length) - 1)).join('') + '…'
}

function framesIn(cell: Element, left: number, middle: number): Frame[] {
  return [...cell.querySelectorAll('*')].flatMap((element) => {
    const style = getComputedStyle(element)
    if (!(parseFloat(style.borderTopWidth) > 0)) return []
    const { x, y, width, height } = element.getBoundingClientRect()
    return [{ x: x - left, dy: y - middle, width, height, round: parseFloat(style.borderTopLeftRadius) || 0, ink: style.borderTopColor, dotted: style.borderTopStyle === 'dotted' }]
  })
}
