// Server-Sent Events from a response's body (https://html.spec.whatwg.org/multipage/server-sent-events.html). EventSource would do, but it can only GET.

const BREATH_MS = 12

export interface ServerEvent {
  event: string
  data: unknown
}

/** The events of a stream, their data read as JSON. A last event without its empty line was cut off and does not count. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let breath = performance.now()
  const reader = body.getReader()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = read(block)
        if (event) yield event
      }
      // Whoever sends faster than we read must not keep the page from being drawn.
      if (performance.now() - breath > BREATH_MS) {
        await new Promise((go) => setTimeout(go))
        breath = performance.now()
      }
    }
  } finally {
    void reader.cancel().catch(() => {})
  }
}

function read(block: string): ServerEvent | null {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim()
    else if (line.startsWith('data:')) data.push(line.slice(5).trimStart())
  }
  return data.length === 0 ? null : { event, data: JSON.parse(data.join('\n')) as unknown }
}
