// A part of the page as a file that needs no page: what is drawn becomes an SVG of lines, boxes and text, whether it was
// SVG or HTML before. No foreignObject: few programs but browsers read it, and a canvas that was painted with it is not
// given back everywhere.

/** What a drawing's elements are painted with, and what each is where nobody says. */
const PAINT = {
  fill: 'rgb(0, 0, 0)', 'fill-opacity': '1', stroke: 'none', 'stroke-width': '1px', 'stroke-dasharray': 'none', opacity: '1', 'paint-order': 'normal',
}
const LETTERS = {
  'text-anchor': 'start', 'letter-spacing': 'normal', 'font-family': '', 'font-size': '', 'font-weight': '400', 'font-style': 'normal', 'text-decoration-line': 'none',
}
/** What one operates the page with is no part of the picture. */
const CONTROLS = '.button, .save, .how, .unseen, .fewer, select, input, label, textarea, fieldset'
const MARGIN = 16
const SVG = 'http://www.w3.org/2000/svg'

interface Size {
  width: number
  height: number
  text: string
}

export function svgOf(root: Element): Size {
  const box = root.getBoundingClientRect()
  const paper = document.createElementNS(SVG, 'svg')
  const width = Math.ceil(box.width + 2 * MARGIN)
  const height = Math.ceil(box.height + 2 * MARGIN)
  for (const [name, value] of Object.entries({ xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` })) paper.setAttribute(name, String(value))
  append(paper, 'rect', { width: '100%', height: '100%', fill: getComputedStyle(document.documentElement).backgroundColor })
  const inner = append(paper, 'g', { transform: `translate(${MARGIN - box.left},${MARGIN - box.top})` })
  visit(root, inner, baselines())
  return { width, height, text: new XMLSerializer().serializeToString(paper) }
}

export async function saveAsSvg(root: Element, name: string): Promise<void> {
  save(new Blob([svgOf(root).text], { type: 'image/svg+xml' }), `${name}.svg`)
}

/** Canvases end about here, px. */
const LONGEST = 16_000

/** Twice as fine as the page, where it is not too long for that. */
export async function saveAsPng(root: Element, name: string): Promise<void> {
  const { width, height, text } = svgOf(root)
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`
  await image.decode()
  const canvas = document.createElement('canvas')
  const scale = Math.min(2, LONGEST / width, LONGEST / height)
  canvas.width = scale * width
  canvas.height = scale * height
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  const png = await new Promise<Blob | null>((done) => canvas.toBlob(done))
  if (!png) throw new Error('the canvas gave no picture')
  save(png, `${name}.png`)
}

export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  Object.assign(document.createElement('a'), { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** How far down its box a font's baseline lies, px. */
type Baseline = (font: string) => number

/** As a canvas takes it. A style's own `font` is empty where something is said that the shorthand cannot say, such as features of the font. */
export const fontOf = (style: CSSStyleDeclaration): string => `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`

export function baselines(): Baseline {
  const context = document.createElement('canvas').getContext('2d')
  const known = new Map<string, number>()
  return (font) => {
    const before = known.get(font)
    if (before !== undefined || !context) return before ?? 0
    context.font = font
    const up = Math.round(context.measureText('x').fontBoundingBoxAscent) // whole px, as browsers lay lines out
    known.set(font, up)
    return up
  }
}

function visit(element: Element, into: Element, baseline: Baseline): void {
  if (element.matches(CONTROLS)) return
  const style = getComputedStyle(element)
  if (style.display === 'none' || style.visibility === 'hidden' || style.opacity === '0') return
  const box = element.getBoundingClientRect()
  let group = style.opacity === '1' ? into : append(into, 'g', { opacity: style.opacity })
  // What scrolls shows what is in view.
  if (/auto|scroll/.test(style.overflowX)) {
    const { x, y, width, height } = box
    group = append(group, 'svg', { x, y, width, height, viewBox: `${x} ${y} ${width} ${height}` })
  }
  if (element instanceof SVGSVGElement) {
    group.append(inlined(element, box))
    return
  }
  frame(box, style, group)
  for (const child of element.childNodes) {
    if (child instanceof Element) visit(child, group, baseline)
    else if (child instanceof Text && child.data.trim() !== '') write(child, style, group, baseline)
  }
}

function frame(box: DOMRect, style: CSSStyleDeclaration, into: Element): void {
  if (!clear(style.backgroundColor)) {
    append(into, 'rect', { x: box.x, y: box.y, width: box.width, height: box.height, rx: parseFloat(style.borderTopLeftRadius) || 0, fill: style.backgroundColor })
  }
  const sides = [
    ['top', box.left, box.top, box.right, box.top], ['bottom', box.left, box.bottom, box.right, box.bottom],
    ['left', box.left, box.top, box.left, box.bottom], ['right', box.right, box.top, box.right, box.bottom],
  ] as const
  for (const [side, x1, y1, x2, y2] of sides) {
    const width = parseFloat(style.getPropertyValue(`border-${side}-width`))
    const stroke = style.getPropertyValue(`border-${side}-color`)
    if (width > 0 && style.getPropertyValue(`border-${side}-style`) !== 'none' && !clear(stroke)) append(into, 'line', { x1, y1, x2, y2, stroke, 'stroke-width': width })
  }
}

/** One text element a line; its length is written down, so that another font takes the same room. */
function write(node: Text, style: CSSStyleDeclaration, into: Element, baseline: Baseline): void {
  const up = baseline(fontOf(style))
  const upright = !style.writingMode.startsWith('vertical')
  for (const { text, box } of lines(node)) {
    const at = upright
      ? { x: box.left, y: box.top + up, textLength: box.width }
      : { transform: `translate(${box.left + up},${box.bottom}) rotate(-90)`, textLength: box.height }
    const made = append(into, 'text', {
      ...at, fill: style.color, 'font-family': style.fontFamily, 'font-size': style.fontSize, 'font-weight': style.fontWeight, lengthAdjust: 'spacingAndGlyphs',
    })
    made.textContent = text
  }
}

/** The lines a text was broken into, each with its place; blanks at its ends take no room. */
function lines(node: Text): { text: string; box: DOMRect }[] {
  const range = document.createRange()
  const out: { text: string; box: DOMRect }[] = []
  for (const word of node.data.matchAll(/\S+/g)) {
    range.setStart(node, word.index)
    range.setEnd(node, word.index + word[0].length)
    const box = range.getClientRects()[0]
    if (!box || box.width === 0 || box.height === 0) continue
    const last = out.at(-1)
    if (last && Math.abs(last.box.top - box.top) < 2) {
      last.text += ` ${word[0]}`
      last.box = new DOMRect(last.box.x, last.box.y, box.right - last.box.x, last.box.height)
    } else out.push({ text: word[0], box })
  }
  return out
}

/** A drawing with its styles written into its elements. */
function inlined(drawing: SVGSVGElement, box: DOMRect): SVGSVGElement {
  const copy = drawing.cloneNode(true) as SVGSVGElement
  const to = [copy, ...copy.querySelectorAll<SVGElement>('*')]
  const from = [drawing, ...drawing.querySelectorAll('*')]
  from.forEach((element, i) => {
    const target = to[i]
    if (!target) return
    const style = getComputedStyle(element)
    const usual = element.tagName === 'text' ? { ...PAINT, ...LETTERS } : PAINT
    const said = Object.entries(usual).flatMap(([name, value]) => {
      const here = style.getPropertyValue(name)
      return here === value ? [] : [`${name}:${here}`]
    })
    for (const { name, value } of [...target.attributes]) if (name in PAINT || value.includes('var(')) target.removeAttribute(name)
    target.setAttribute('style', said.join(';'))
    if (element !== drawing && style.transform !== 'none') target.setAttribute('transform', style.transform)
    target.removeAttribute('class')
  })
  const remarks = document.createTreeWalker(copy, NodeFilter.SHOW_COMMENT)
  const gone: Node[] = []
  while (remarks.nextNode()) gone.push(remarks.currentNode)
  for (const node of gone) node.parentNode?.removeChild(node)
  for (const [name, value] of Object.entries({ x: box.x, y: box.y, width: box.width, height: box.height, overflow: 'visible' })) copy.setAttribute(name, String(value))
  return copy
}

function append(into: Element, name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, typeof value === 'number' ? String(Math.round(100 * value) / 100) : value)
  into.append(made)
  return made
}

const clear = (colour: string) => colour === 'transparent' || /rgba\(.*, 0\)$/.test(colour)
