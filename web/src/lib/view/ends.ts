// Where lanes end, on a canvas: the cross of a lane, and a stage's line across the river with its reason, as RiverCuts.svelte has it.
import type { Inks, Scene } from './brush'
import { baseline, broken, look, write, type Canvas } from './pen'
import type { Shape } from './river'

/** Dots up to the stage that cut it, and a cross there. */
export function end(g: Canvas, { cut }: Shape, { inks }: { inks: Inks }): void {
  if (!cut) return
  g.strokeStyle = inks.cut
  g.lineWidth = 1.2
  g.setLineDash([1.5, 4])
  g.beginPath()
  g.moveTo(cut.from, 0)
  g.lineTo(cut.x - 7, 0)
  g.stroke()
  g.setLineDash([])
  g.strokeStyle = inks.mark
  g.lineWidth = 1.6
  g.beginPath()
  for (const rise of [4.5, -4.5]) {
    g.moveTo(cut.x - 4, rise)
    g.lineTo(cut.x + 5, -rise)
  }
  g.stroke()
}

/** Words keep this far from the column whose stage cuts, px. */
const BESIDE = 12

export function cutLines(g: Canvas, { cuts, inks, looks, width, narrow, top, height }: Scene): void {
  const { d: scale } = g.getTransform()
  const thick = Math.floor(1.5 * scale) / scale // as a browser has a border
  for (const cut of cuts) {
    if (cut.y > top + height || cut.y + cut.height < top) continue
    g.fillStyle = inks.mark
    g.fillRect(0, Math.round(cut.y * scale) / scale, width, thick)
    look(g, looks.words)
    g.textAlign = 'right'
    const right = narrow ? width : cut.x + BESIDE
    const lines = broken(g, cut.words, right)
    const first = cut.y + thick / 2 + (cut.height - (lines.length - 1) * looks.words.line) / 2 + baseline(g, looks.words)
    lines.forEach((line, i) => write(g, line, right, first + i * looks.words.line))
  }
  g.textAlign = 'left'
}
