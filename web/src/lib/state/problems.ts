// What can go wrong between the page and a core, as the page says it.
import type { Failure } from '../api/backend'
import type { StopReason } from '../api/wire'

/** `gone`: no answer; asked again until there is one. `prompt`: this context cannot be taken. `said`: stands until one goes on. `other`: said until the next answer. */
export interface Problem {
  about: 'gone' | 'prompt' | 'said' | 'other'
  message: string
  /** JSON pointer of what was refused, where it was one thing. */
  field?: string | null
}

export const GONE: Problem = { about: 'gone', message: 'No answer from logitpeek. Is it still running? Your text is kept.' }
export const EMPTY: Problem = { about: 'prompt', message: 'The prompt is empty: type at least one character to see what comes next.' }

export const refused = (failure: Failure): Problem => ({ about: aboutPrompt(failure) ? 'prompt' : 'other', message: failure.message, field: failure.field })

/** Refusals that a different prompt would mend: a bad text, or a context that is empty or longer than the model's. */
const aboutPrompt = ({ field, code }: Failure) => (field === null ? code === 'out_of_range' : /^\/(tokens|text|messages)/.test(field))

/** The setting a refusal is about, by its name; null where it is about something else. */
export const settingOf = (problem: Problem | null): string | null => (problem?.about === 'other' ? (/^\/sampler\/([a-z_]+)/.exec(problem.field ?? '')?.[1] ?? null) : null)

/** Somebody else had the server load another model. */
export function switched(model: string, picked: boolean): string {
  const undo = picked ? '; Undo brings back what was picked' : ''
  return `Another tab or program loaded “${model}”, and your text was read anew with it${undo}.`
}

export const STOPPED: Record<StopReason, string> = {
  length: 'That was all that was asked for.',
  end_of_text: 'The model ended the text.',
  context_full: 'The context is full.',
  cancelled: 'Stopped.',
}
