// A drawing of the page as a file that needs no page: styles written into the elements.

const KEPT = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font', 'text-anchor', 'paint-order', 'letter-spacing']

export function svgText(drawing: SVGSVGElement): string {
  const copy = drawing.cloneNode(true) as SVGSVGElement
  const from = [drawing, ...drawing.querySelectorAll('*')]
  const to = [copy, ...copy.querySelectorAll('*')]
  from.forEach((element, i) => {
    const styles = getComputedStyle(element)
    const target = to[i]
    target?.setAttribute('style', KEPT.map((name) => `${name}:${styles.getPropertyValue(name)}`).join(';'))
    target?.removeAttribute('class')
  })
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  const paper = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  paper.setAttribute('width', '100%')
  paper.setAttribute('height', '100%')
  paper.setAttribute('fill', getComputedStyle(document.documentElement).backgroundColor)
  copy.prepend(paper)
  return new XMLSerializer().serializeToString(copy)
}

/** Saves it as NAME.svg and, twice as large, as NAME.png. */
export function savePicture(drawing: SVGSVGElement | undefined | null, name: string): void {
  if (!drawing) return
  const svg = new Blob([svgText(drawing)], { type: 'image/svg+xml' })
  save(svg, `${name}.svg`)
  const url = URL.createObjectURL(svg)
  const image = new Image()
  image.onload = () => {
    const canvas = document.createElement('canvas')
    canvas.width = 2 * drawing.clientWidth
    canvas.height = 2 * drawing.clientHeight
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
    canvas.toBlob((png) => png && save(png, `${name}.png`))
    URL.revokeObjectURL(url)
  }
  image.src = url
}

export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  Object.assign(document.createElement('a'), { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
