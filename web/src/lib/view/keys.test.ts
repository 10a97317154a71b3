import { expect, test } from 'vitest'
import { deed, type KeyPress } from './keys'

const press = (key: string, focus: KeyPress['focus'] = 'page', modified = false, shift = false) => deed({ key, focus, modified, shift })

test('keys on the page', () => {
  expect(press('s')).toEqual({ do: 'sample' })
  expect(press('G')).toEqual({ do: 'greedy' })
  expect(press('Backspace')).toEqual({ do: 'back' })
  expect(press('Backspace', 'page', false, true)).toEqual({ do: 'forward' })
  expect([press('n'), press('/'), press('?'), press('Escape')].map((deed) => deed?.do)).toEqual(['generate', 'search', 'help', 'stop'])
  expect(press('3')).toEqual({ do: 'pick', index: 2 })
  expect(press('ArrowUp')).toEqual({ do: 'move', by: -1 })
  expect(press('Enter')).toEqual({ do: 'choose' })
  expect([press('0'), press('x'), press(' ')]).toEqual([null, null, null])
})

// Mutation: forget the field -> red: typing "s" in the prompt would sample.
test('fields, sliders, buttons and shortcuts of the browser keep their keys', () => {
  for (const key of ['s', '1', 'Backspace', 'Enter', 'ArrowDown']) expect(press(key, 'field')).toBeNull()
  for (const key of ['s', '1', 'Backspace']) expect(press(key, 'page', true)).toBeNull()
  expect([press('z', 'page', true), press('Z', 'page', true, true), press('z', 'field', true)].map((deed) => deed?.do)).toEqual(['undo', 'redo', undefined])
  expect(press('ArrowDown', 'slider')).toBeNull()
  expect(press('Home', 'slider')).toBeNull()
  expect(press('s', 'slider')).toEqual({ do: 'sample' })
  expect(press('Enter', 'button')).toBeNull()
})
