// Runs in the page before anything of its own: notes when a slider moved, when the answer to it was on the page, and when that was painted.
// An input counts as answered with the first picture whose request already knew it, and only once the page shows that answer's entropy.
;(() => {
  const probe = { inputs: [], frames: [], answers: [], on: false }
  globalThis.probe = probe
  let moved = 0
  addEventListener('pointermove', (event) => (moved = event.timeStamp), true)
  addEventListener('input', () => probe.on && probe.inputs.push({ moved, at: performance.now(), painted: null }), true)

  const painted = (then) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => then(performance.now()) // a task after the frame: styles, layout and paint are done
    port2.postMessage(null)
  })
  const shows = (answer) => document.querySelector('[data-testid=metric-entropy]')?.textContent?.startsWith(answer.metrics.entropy_bits.toFixed(2))
  const settle = (known, answer, tries = 30) => painted((now) => {
    if (!shows(answer) && tries > 0) return settle(known, answer, tries - 1)
    for (const input of probe.inputs.slice(0, known)) input.painted ??= now
  })

  // The same where the question goes over a WebSocket.
  const asked = new Map()
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args)
      this.addEventListener('message', ({ data }) => {
        const came = performance.now()
        const { id, body } = JSON.parse(data)
        const question = asked.get(id)
        if (!question || !probe.on) return
        asked.delete(id)
        probe.answers.push({ ms: came - question.at, bytes: data.length })
        settle(question.known, body)
      })
    }
    send(text) {
      const { id, path } = JSON.parse(text)
      if (probe.on && path === '/next') asked.set(id, { at: performance.now(), known: probe.inputs.length })
      super.send(text)
    }
  }
  const plain = globalThis.fetch
  globalThis.fetch = async (url, init) => {
    if (!probe.on || !String(url).endsWith('/next')) return plain(url, init)
    const known = probe.inputs.length
    const began = performance.now()
    const response = await plain(url, init)
    const read = response.text()
    response.json = async () => {
      const text = await read
      const came = performance.now()
      const answer = JSON.parse(text)
      probe.answers.push({ ms: came - began, bytes: text.length })
      settle(known, answer)
      return answer
    }
    return response
  }

  const tick = (now) => {
    if (probe.on) probe.frames.push(now)
    requestAnimationFrame(tick)
  }
  requestAnimationFrame(tick)

  probe.start = () => Object.assign(probe, { inputs: [], frames: [], answers: [], on: true })
  probe.stop = () => {
    probe.on = false
    return { inputs: probe.inputs, frames: probe.frames, answers: probe.answers }
  }
  // The first picture: rows of the distribution, painted.
  probe.first = new Promise((found) => {
    const look = () => (document.querySelector('[data-testid=row]') ? (watch.disconnect(), painted(found)) : undefined)
    const watch = new MutationObserver(look)
    watch.observe(document, { childList: true, subtree: true })
  })
})()
