// Text on a canvas as a browser sets it on the page.
export type Canvas = CanvasRenderingContext2D

/** How a kind of text looks: a canvas font, and a colour. */
export interface Look {
  font: string
  ink: string
  /** Height of a line, px. */
  line: number
}

/** A text whose baseline lies on a line of pixels, the upper one of two that are as near: where browsers put theirs. */
export function write(g: Canvas, text: string, x: number, y: number): void {
  const { d: scale, f: offset } = g.getTransform()
  g.fillText(text, x, (Math.ceil(scale * y + offset - 0.51) - offset) / scale)
}

/** Of a line in the middle of its row, px below that middle; with what of the line is above the letters in whole px, as browsers have it. */
export function baseline(g: Canvas, { line }: Look): number {
  const { fontBoundingBoxAscent, fontBoundingBoxDescent } = g.measureText('0')
  const [up, down] = [Math.round(fontBoundingBoxAscent), Math.round(fontBoundingBoxDescent)]
  return Math.floor((line - up - down) / 2) + up - line / 2
}

export function look(g: Canvas, { font, ink }: Look): void {
  g.font = font
  g.fillStyle = ink
}

/** A text in as many lines as `room` asks for, px; broken at blanks. */
export function broken(g: Canvas, text: string, room: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`
    if (lines.length > 0 && g.measureText(longer).width <= room) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}
