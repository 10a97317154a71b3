// Runs in the page before anything of its own: notes when a slider was moved (the browser's own time of the mouse's move, before any of the page's
// code runs; only moves that changed the setting), when the browser told it (the input event, as a frame begins), when the answer to it was on the
// page, and when that was painted. An input counts as answered with the first picture that was asked with its setting since the input before, or after
// it; and only once the page shows that answer's entropy.
;(() => {
  const probe = { inputs: [], frames: [], answers: [], on: false }
  globalThis.probe = probe
  let moved = 0
  for (const move of ['pointerrawupdate', 'pointermove']) addEventListener(move, ({ timeStamp }) => (moved = Math.max(moved, timeStamp)), true)
  // After the page's own listeners: the slider says what it is set to.
  addEventListener('input', ({ target, timeStamp }) => {
    if (!probe.on || target.type !== 'range') return
    const value = parseFloat(target.getAttribute('aria-valuetext'))
    const last = probe.inputs.at(-1)
    const seen = performance.now()
    if (value !== last?.value) probe.inputs.push({ at: moved, told: timeStamp, since: last?.seen ?? 0, seen, name: target.dataset.testid.replace('slider-', ''), value, painted: null })
  })
  const answers = (question, input) => question.at >= input.seen || (question.at >= input.since && question.sampler[input.name] === input.value)

  const painted = (then) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => then(performance.now()) // a task after the frame: styles, layout and paint are done
    port2.postMessage(null)
  })
  // Answers that are not on the page yet: each with its question, and how the page writes its entropy. A later one that is takes the
  // others with it. Looked for once a frame, and read off the answer's text: what the probe takes would be counted as the page's.
  let coming = []
  let looking = false
  const look = () => {
    looking = true
    painted((now) => {
      const shown = document.querySelector('[data-testid=metric-entropy]')?.textContent ?? ''
      const at = coming.findLastIndex(({ entropy }) => shown.startsWith(entropy))
      if (at >= 0) for (const input of probe.inputs) if (answers(coming[at].question, input)) input.painted ??= now
      coming = coming.slice(at + 1)
      looking = coming.length > 0 && probe.on
      if (looking) look()
    })
  }
  const answered = (question, text) => {
    const came = performance.now()
    probe.answers.push({ ms: came - question.at, bytes: text.length })
    const entropy = /"entropy_bits":([^,}]*)/.exec(text.slice(text.indexOf('"metrics":')))[1]
    coming.push({ question, entropy: Number(entropy).toFixed(2) })
    if (!looking) look()
  }

  // The same where the question goes over a WebSocket.
  const asked = new Map()
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args)
      this.addEventListener('message', ({ data }) => {
        const id = Number(/^{"id":(\d+)/.exec(data)?.[1])
        const question = asked.get(id)
        if (question && probe.on) answered(question, data)
        asked.delete(id)
      })
    }
    send(text) {
      const { id, path, body } = JSON.parse(text)
      if (probe.on && path === '/next') asked.set(id, { at: performance.now(), sampler: body.sampler })
      super.send(text)
    }
  }
  const plain = globalThis.fetch
  globalThis.fetch = async (url, init) => {
    if (!probe.on || !String(url).endsWith('/next')) return plain(url, init)
    const question = { at: performance.now(), sampler: JSON.parse(init.body).sampler }
    const response = await plain(url, init)
    const read = response.text()
    response.json = async () => {
      const text = await read
      answered(question, text)
      return JSON.parse(text)
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
