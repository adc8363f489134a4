// Browsers refuse workers to pages opened from a file: there the search runs in a hidden frame instead.
if (location.protocol === "file:")
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = Object.assign(document.createElement("iframe"), { hidden: true, title: "search", srcdoc: "<!doctype html>" })
      this.inner = new Promise((ready) => {
        frame.onload = () => {
          const inner = frame.contentWindow
          inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
          const script = inner.document.createElement("script")
          script.onload = () => ready(inner)
          script.src = new URL(url, document.baseURI)
          inner.document.head.append(script)
        }
      })
      document.documentElement.append(frame)
    }
    postMessage(data) {
      this.inner.then((inner) => inner.dispatchEvent(new inner.MessageEvent("message", { data })))
    }
  }
