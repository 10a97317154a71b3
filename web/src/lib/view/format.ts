// Numbers as the page writes them. Rounding only; what is rounded came from the core.
import { format } from 'd3-format'

const grouped = format(',d')
const NBSP = '\u00a0'

/** 4096 -> "4,096". */
export const count = (n: number): string => grouped(n)

/** "1 token", "40 tokens". */
export const plural = (n: number, noun: string): string => `${count(n)} ${noun}${n === 1 ? '' : 's'}`

/** 0.4764 -> "47.6 %"; never rounds to 0 or to 100 what is neither. */
export function percent(p: number): string {
  const x = 100 * p
  if (p === 0) return `0${NBSP}%`
  if (p >= 1) return `100${NBSP}%`
  if (x >= 99.95) return `> 99.9${NBSP}%`
  if (x >= 1) return `${x.toFixed(1)}${NBSP}%`
  if (x >= 0.1) return `${x.toFixed(2)}${NBSP}%`
  if (x < 0.0001) return `< 0.0001${NBSP}%`
  return `${Number(x.toPrecision(2)).toFixed(Math.min(5, 1 - Math.floor(Math.log10(x))))}${NBSP}%`
}

/** A share inside a sentence that compares it with a setting: three digits. */
export const share = (p: number): string => (p > 0.9995 && p < 1 ? '> 0.999' : p.toFixed(3))

export const bits = (b: number): string => b.toFixed(2)

/** U+2212 is as wide as a digit in both typefaces, so columns of logits align. */
export const logit = (x: number | null): string =>
  x === null ? '−∞' : (x < 0 ? '\u2212' : '') + Math.abs(x).toFixed(Math.abs(x) >= 1000 ? 1 : 2)

/** 3145728 -> "3.1 M". */
export function size(n: number): string {
  for (const [unit, name] of [[1e9, 'B'], [1e6, 'M'], [1e3, 'k']] as const) {
    if (n >= 0.9995 * unit) return `${(n / unit).toPrecision(n / unit >= 100 ? 3 : 2)}${NBSP}${name}`
  }
  return count(n)
}

/** An equivalent number of choices: 5.04 -> "5.0", 138.8 -> "139". */
export const choices = (x: number): string => (x >= 100 ? count(Math.round(x)) : x.toFixed(x < 10 ? 2 : 1))

/** A setting without noise: 0.8 -> "0.8", 0.755 -> "0.755". */
export const setting = (x: number): string => String(Number(x.toFixed(4)))
