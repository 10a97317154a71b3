// The keyboard, as a table: what a key means on the page, and when it means nothing because a field wants it.

export type Deed =
  | { do: 'sample' | 'greedy' | 'back' | 'forward' | 'choose' | 'generate' | 'search' | 'help' | 'undo' | 'redo' | 'stop' }
  | { do: 'pick'; index: number }
  | { do: 'move'; by: number }
  | { do: 'end'; which: 'first' | 'last' }

export interface KeyPress {
  key: string
  modified: boolean
  shift: boolean
  /** What has the focus: a text field, a slider, a button or link, or nothing in particular. */
  focus: 'field' | 'slider' | 'button' | 'page'
}

export function deed({ key, modified, shift, focus }: KeyPress): Deed | null {
  if (focus === 'field') return null
  if (modified && key.toLowerCase() === 'z') return { do: shift ? 'redo' : 'undo' }
  if (modified && key.toLowerCase() === 'y') return { do: 'redo' }
  if (modified) return null
  if (/^[1-9]$/.test(key)) return { do: 'pick', index: Number(key) - 1 }
  switch (key.toLowerCase()) {
    case 's':
      return { do: 'sample' }
    case 'g':
      return { do: 'greedy' }
    case 'backspace':
      return { do: shift ? 'forward' : 'back' }
    case 'n':
      return { do: 'generate' }
    case '/':
      return { do: 'search' }
    case '?':
      return { do: 'help' }
    case 'escape':
      return { do: 'stop' }
  }
  if (focus === 'slider') return null // arrows, Home and End belong to it
  switch (key) {
    case 'ArrowDown':
      return { do: 'move', by: 1 }
    case 'ArrowUp':
      return { do: 'move', by: -1 }
    case 'Home':
      return focus === 'page' ? { do: 'end', which: 'first' } : null
    case 'End':
      return focus === 'page' ? { do: 'end', which: 'last' } : null
    case 'Enter':
      return focus === 'page' ? { do: 'choose' } : null
    default:
      return null
  }
}

export function focusOf(target: EventTarget | null): KeyPress['focus'] {
  if (!(target instanceof HTMLElement)) return 'page'
  if (target instanceof HTMLInputElement) return target.type === 'range' ? 'slider' : 'field'
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable) return 'field'
  return target.closest('button, a, summary, [role=button]') ? 'button' : 'page'
}
