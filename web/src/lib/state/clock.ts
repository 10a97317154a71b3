// Time, injected so that tests need not wait.

export interface Clock {
  /** Milliseconds since some moment. */
  now(): number
  after(ms: number, run: () => void): () => void
  /** When the next frame is about to be drawn; at once where nobody looks. */
  frame(run: () => void): void
}

const HIDDEN_MS = 250

export const realClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  frame(run) {
    if (document.hidden) return run()
    let waiting = true
    const once = () => {
      if (waiting) run()
      waiting = false
    }
    requestAnimationFrame(once)
    setTimeout(once, HIDDEN_MS) // a page that was hidden meanwhile draws no frame
  },
}
