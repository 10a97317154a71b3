// Light, dark, or what the system says. Remembered; without storage (private windows) it lasts as long as the page.

export type Theme = 'light' | 'dark'

const KEY = 'logitpeek.theme'

export class ThemeChoice {
  #chosen = $state<Theme | null>(null)
  #system = $state<Theme>('light')

  readonly theme: Theme = $derived(this.#chosen ?? this.#system)

  constructor() {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    this.#system = dark.matches ? 'dark' : 'light'
    dark.addEventListener('change', () => (this.#system = dark.matches ? 'dark' : 'light'))
    this.#chosen = remembered()
    this.#show()
  }

  toggle(): void {
    this.#chosen = this.theme === 'dark' ? 'light' : 'dark'
    this.#show()
    try {
      localStorage.setItem(KEY, this.#chosen)
    } catch {
      // Storage is a comfort, not a need.
    }
  }

  #show(): void {
    if (this.#chosen) document.documentElement.dataset.theme = this.#chosen
  }
}

function remembered(): Theme | null {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'light' || value === 'dark' ? value : null
  } catch {
    return null
  }
}
