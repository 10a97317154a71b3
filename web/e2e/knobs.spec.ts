// Part 4: the samplers as cards.
import { expect, test } from 'vitest'
import { positionUnder } from '../src/lib/view/knobs'
import { setField, settled } from './harness.mjs'
import { OnPage } from './page'

const on = new OnPage('Once upon a time, there was a little')

// Mutation: let the switch forget the value -> red.
test('a card is switched off and on again with the value it had', async () => {
  await setField(on.page, 'top_k', 7)
  await on.see('switch-top_k').click()
  await expect.poll(() => on.text('stage-final')).toContain('4,096 left')
  expect(await on.see('switch-top_k').getAttribute('aria-checked')).toBe('false')
  await on.see('switch-top_k').click()
  await expect.poll(() => on.text('cost-top_k')).toContain('keeps 7 of 4,096')
  expect(await on.see('field-top_k').inputValue()).toBe('7')
})

// Mutation: drop onto the card's own place -> red.
test('a card is dragged to another place, and the stage goes with it', async () => {
  await setField(on.page, 'temperature', 0.3)
  await setField(on.page, 'top_p', 0.9)
  const turned = await on.next(await on.ids(), { chain: 'top_p=0.9;temperature=0.3' })
  const from = (await on.see('grip-top_p').boundingBox())!
  const to = (await on.see('card-temperature').boundingBox())!
  await on.page.mouse.move(from.x + 8, from.y + 8)
  await on.page.mouse.down()
  await on.page.mouse.move(to.x + 60, to.y + 20, { steps: 6 })
  await on.page.mouse.up()
  await expect.poll(() => on.text('cost-top_p')).toContain(`keeps ${turned.metrics.n_kept} of`)
  const order = async () => (await on.page.locator('[data-testid^=card-]').evaluateAll((all) => all.map((card) => card.getAttribute('data-card'))))
  expect((await order()).indexOf('top_p')).toBeLessThan((await order()).indexOf('temperature'))
})

// What a slider asks before the browser has told it (Slider.svelte) is what the browser then sets. Mutation: another THUMB -> red.
test('a slider is where it was foreseen under the pointer', async () => {
  const slider = on.see('slider-temperature')
  const { x, y, width, height } = (await slider.boundingBox())!
  await on.page.mouse.move(x + width / 2, y + height / 2)
  await on.page.mouse.down()
  for (let at = 1; at < width; at += 7) {
    await on.page.mouse.move(x + at, y + height / 2)
    await settled(on.page)
    // A temperature has two decimals, which are five positions apart: half of that, and the browser's rounding.
    expect(Math.abs(Number(await slider.inputValue()) - positionUnder(at, width))).toBeLessThanOrEqual(3)
  }
  await on.page.mouse.up()
  const shown = await on.next(await on.ids(), { temperature: Number(await on.see('field-temperature').inputValue()) })
  await expect.poll(() => on.text('metric-entropy')).toContain(shown.metrics.entropy_bits.toFixed(2))
})

test('the scope of a penalty follows the dialect', async () => {
  expect(await on.text('scope-repetition_penalty')).toContain('whole prompt and the output')
  await on.see('dialect').selectOption('llama.cpp')
  await expect.poll(() => on.text('scope-repetition_penalty')).toContain('last 64 tokens')
  await on.see('dialect').selectOption('vllm')
  await on.see('add-sampler').selectOption('presence_penalty')
  await expect.poll(() => on.text('scope-presence_penalty')).toContain('output only')
})
