// Part 3: the pipeline's drawing.
import { expect, test } from 'vitest'
import { setField, settled } from './harness.mjs'
import { OnPage } from './page'

const on = new OnPage('The little girl opened the door and saw a')

const thickness = async (row: number) => {
  const path = (await on.page.locator('g.lane > path:first-child').nth(row).getAttribute('d')) ?? ''
  const ys = [...path.matchAll(/-?[\d.]+,(-?[\d.]+)/g)].map((match) => Number(match[1]))
  return Math.max(...ys) - Math.min(...ys)
}

// Mutation: scale each lane for itself -> red.
test('lanes are as wide as their probability, or its root where that is asked for, and the page says so', async () => {
  const answer = await on.next(await on.ids())
  const [first, fourth] = [answer.tokens[0]?.prob_raw ?? 0, answer.tokens[3]?.prob_raw ?? 0]
  expect((await thickness(3)) / (await thickness(0))).toBeCloseTo(fourth / first, 1)
  expect(await on.see('widths-note').count()).toBe(0)
  await on.see('widths').getByText('√p').click()
  await on.see('widths-note').waitFor()
  expect((await thickness(3)) / (await thickness(0))).toBeCloseTo(Math.sqrt(fourth / first), 1)
})

test('while nothing shapes the distribution the page offers a beginning', async () => {
  await on.see('try-usual').click()
  await expect.poll(() => on.see('suggestion').count()).toBe(0)
  const answer = await on.next(await on.ids(), { temperature: 0.8, top_k: 40, top_p: 0.9 })
  await expect.poll(() => on.text('stage-final')).toContain(`${answer.metrics.n_kept} left`)
})

test('the numbers above a lane do not stand on its neighbour', async () => {
  await setField(on.page, 'repetition_penalty', 1.4)
  await setField(on.page, 'temperature', 0.6)
  await setField(on.page, 'top_k', 30)
  const clashes = await on.page.evaluate(() => {
    const lanes = [...document.querySelectorAll('g.lane')].map((lane) => lane.querySelector('path')!.getBoundingClientRect())
    const rows = [...document.querySelectorAll('[data-testid=row]')]
    return rows.flatMap((row, at) => [...row.querySelectorAll('.above')].map((number) => ({ at, box: number.getBoundingClientRect() }))).map(({ at, box }) => ({
      own: Math.abs((lanes[at]?.top ?? NaN) + (lanes[at]?.height ?? NaN) / 2 - (box.top + box.bottom) / 2),
      clashes: lanes.filter((lane, i) => i !== at && lane.top < box.bottom - 4 && lane.bottom > box.top + 4 && lane.right > box.left).length,
    }))
  })
  expect(clashes.length).toBeGreaterThan(20)
  expect(clashes.filter((each) => each.clashes > 0 || each.own < 8)).toEqual([]) // nor through itself
})

// Mutation: keep the rows as they were, or draw nothing -> red.
test('a drag is drawn on a canvas; rows and lanes stand there again as soon as it rests or somebody comes to them', async () => {
  await setField(on.page, 'top_k', 40)
  await setField(on.page, 'temperature', 0.8)
  const box = (await on.see('slider-temperature').boundingBox())!
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  await on.page.mouse.move(x, y)
  await on.page.mouse.down()
  let moving = true
  const hand = (async () => {
    for (let i = 0; moving; i++) await on.page.mouse.move(x + 40 * Math.sin(i / 9), y)
  })()
  const canvas = on.see('chase')
  await canvas.waitFor()
  const ink = (at: HTMLCanvasElement) => at.getContext('2d')?.getImageData(0, 0, at.width, at.height).data.some((value) => value > 0)
  await expect.poll(() => on.page.evaluate((seen) => {
    const at = document.querySelector<HTMLCanvasElement>('[data-testid=chase]')
    return at ? (new Function('at', `return (${seen})(at)`) as (at: HTMLCanvasElement) => boolean)(at) : false
  }, ink.toString())).toBe(true)
  // A finger on the rows, while another hand drags.
  const list = on.page.locator('ol[role=listbox]')
  await list.dispatchEvent('pointerover', { pointerType: 'touch', bubbles: true })
  await expect.poll(() => canvas.count()).toBe(0)
  await list.dispatchEvent('pointerleave', { pointerType: 'touch' })
  await canvas.waitFor()
  moving = false
  await hand
  await on.page.mouse.up()
  await settled(on.page)
  expect(await canvas.count()).toBe(0)
  const temperature = Number(await on.see('field-temperature').inputValue())
  const answer = await on.next(await on.ids(), { top_k: 40, temperature })
  expect(await on.page.locator('[data-testid=row] [data-cell=final]').first().getAttribute('title')).toBe(String(answer.tokens[0]?.prob))
  expect(await list.evaluate((element) => getComputedStyle(element.parentElement!).opacity)).toBe('1')
})
