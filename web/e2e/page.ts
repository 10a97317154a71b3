// What every spec of one part needs: the program, a browser, a page on it, and the API beside it to hold its numbers against.
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Next, Tokenized } from '../src/lib/api/wire'
import type { Tab } from '../src/lib/state/view.svelte'
import { launch, noted, open, serve, settled } from './harness.mjs'

type Device = { hasTouch?: boolean; isMobile?: boolean; viewport?: { width: number; height: number } }

export class OnPage {
  page!: Page
  context!: BrowserContext
  browser!: Browser
  url = ''
  readonly #prompt: string
  #complaints: string[] = []

  /** Registers the hooks: one program and browser a file, a fresh page a test, and no error left unsaid. */
  constructor(prompt: string, options: Parameters<typeof serve>[0] = {}) {
    this.#prompt = prompt
    let server: Awaited<ReturnType<typeof serve>>
    beforeAll(async () => {
      server = await serve(options)
      this.url = server.url
      this.browser = await launch()
    })
    afterAll(async () => {
      await this.browser?.close()
      await server?.stop()
    })
    beforeEach(() => this.begin())
    afterEach(async () => {
      await this.context.close()
      expect(this.#complaints).toEqual([])
    })
  }

  async begin(device: Device = {}): Promise<void> {
    await this.context?.close()
    this.context = await this.browser.newContext({ viewport: { width: 1440, height: 1000 }, colorScheme: 'light', reducedMotion: 'reduce', acceptDownloads: true, ...device })
    this.#complaints = []
    this.context.on('weberror', (error) => this.#complaints.push(error.error().message))
    this.page = await open(this.context, this.url, this.#prompt)
  }

  async ask<T>(path: string, body: object): Promise<T> {
    const response = await fetch(`${this.url}api/v1${path}`, { method: 'POST', body: JSON.stringify(body) })
    expect(response.status).toBe(200)
    return (await response.json()) as T
  }
  ids = async () => (await this.ask<Tokenized>('/tokenize', { text: this.#prompt })).tokens.map((token) => token.id)
  next = (tokens: readonly number[], sampler: object = {}) => this.ask<Next>('/next', { tokens, sampler, top: 20, trace: true })

  see = (id: string) => this.page.getByTestId(id)
  text = (id: string) => this.see(id).first().textContent()
  tab = (name: string) => this.see(`tab-${name}`).click()

  async generate(n: number): Promise<void> {
    await this.see('pace').selectOption('0')
    await this.see('generate-n').fill(String(n))
    const before = await this.see('pick').count()
    await this.see('generate').click()
    await expect.poll(() => this.see('pick').count()).toBe(before + n)
    await this.see('generate').waitFor()
    await settled(this.page)
  }
  /** The address, when it has caught up. */
  async address(): Promise<URLSearchParams> {
    await noted(this.page)
    return new URLSearchParams(new URL(this.page.url()).hash.slice(1))
  }
}

/** What stands in a view once its answer has come. */
export const SIGNS: Record<Tab, string> = {
  river: 'row',
  ranks: 'ranks-headline',
  compare: 'compare-row',
  sentence: 'sentence-token',
  whatif: 'whatif-temperature',
  draws: 'draw-row',
  tree: 'branch-compare',
}

/** What stands under the tokens of the prompt. */
export const under = (page: Page) => page.locator('[data-testid=prompt-token] sub').evaluateAll((all) => all.map((sub) => (sub as HTMLElement).dataset.under))
