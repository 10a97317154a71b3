// KaTeX on demand. Its style sheet names sixty font files; the page's formulas need six, so the fonts are named here and the rest is left out.
import main from 'katex/dist/fonts/KaTeX_Main-Regular.woff2?url'
import italic from 'katex/dist/fonts/KaTeX_Math-Italic.woff2?url'
import size1 from 'katex/dist/fonts/KaTeX_Size1-Regular.woff2?url'
import size2 from 'katex/dist/fonts/KaTeX_Size2-Regular.woff2?url'
import size3 from 'katex/dist/fonts/KaTeX_Size3-Regular.woff2?url'
import size4 from 'katex/dist/fonts/KaTeX_Size4-Regular.woff2?url'

const FONTS: readonly (readonly [family: string, url: string, style: string])[] = [
  ['KaTeX_Main', main, 'normal'], ['KaTeX_Math', italic, 'italic'], ['KaTeX_Size1', size1, 'normal'], ['KaTeX_Size2', size2, 'normal'],
  ['KaTeX_Size3', size3, 'normal'], ['KaTeX_Size4', size4, 'normal'],
]

type Typeset = (tex: string) => string
let ready: Promise<Typeset> | null = null

export const typesetter = (): Promise<Typeset> => (ready ??= load())

async function load(): Promise<Typeset> {
  const [{ default: katex }, { default: styles }] = await Promise.all([import('katex'), import('katex/dist/katex.min.css?raw')])
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(styles.replace(/@font-face\{[^}]*\}/g, ''))
  document.adoptedStyleSheets.push(sheet)
  for (const [family, url, style] of FONTS) document.fonts.add(new FontFace(family, `url(${url})`, { style, display: 'block' }))
  return (tex) => katex.renderToString(tex, { displayMode: true, throwOnError: false })
}
