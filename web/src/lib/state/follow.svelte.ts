// An answer that follows what it was asked about: the latest question wins, and an old answer stays on show until the new one is there.
import { untrack } from 'svelte'
import { Failure } from '../api/backend'
import { LatestWins } from './latest'

export class Follow<Question, Answer> {
  answer = $state.raw<Answer | null>(null)
  /** What the answer on show was asked. */
  asked = $state.raw<Question | null>(null)
  problem = $state<string | null>(null)
  busy = $state(false)

  readonly #questions: LatestWins<Question>

  constructor(ask: (question: Question) => Promise<Answer>) {
    this.#questions = new LatestWins(async (question) => {
      this.busy = true
      try {
        this.answer = await ask(question)
        this.asked = question
        this.problem = null
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        this.problem = error.message
      } finally {
        this.busy = false
      }
    })
  }

  ask(question: Question): void {
    untrack(() => this.#questions.submit(question)) // asking is no dependency of whoever asks
  }
}
