// Sends a file by tus 1.0 (https://tus.io), in slices, and continues after an interruption.
//
//   const upload = startUpload(file, {mailbox, onProgress, onDone, onError});
//   upload.cancel();
//
// `mailbox` is the id of the integration. `onProgress(sent, size)` is called with bytes, `onDone(id)`
// once with the id to attach, `onError(problem)` once with the problem document of the API, or
// {code: "offline"}. The token is that of any form of the page.
{
  const SLICE = 8 * 1024 * 1024;
  // Seconds before each try after the first; a slice that arrives begins anew.
  const PAUSES = [1, 2, 4, 8, 16, 30];
  const RETRIED = new Set([0, 408, 423, 429, 500, 502, 503, 504]);
  const canRetry = ({ status, problem }) => RETRIED.has(status) || problem.code === "upload-offset";

  // The service takes two files of a person at a time; others wait here.
  const MOST = 2;
  const waiting = [];
  let running = 0;
  const enter = () => (running < MOST ? void running++ : new Promise((resolve) => waiting.push(resolve)));
  const leave = () => (waiting.length ? waiting.shift()() : running--);

  // Returns {status, header, problem}; status 0: no answer.
  const send = (method, url, { headers = {}, body = null, onBytes, signal } = {}) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const stop = () => request.abort();
      signal?.throwIfAborted();
      request.open(method, url);
      request.setRequestHeader("Tus-Resumable", "1.0.0");
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      if (onBytes) request.upload.onprogress = (event) => onBytes(event.loaded);
      request.onabort = () => reject(new DOMException("", "AbortError"));
      request.onloadend = () => {
        signal?.removeEventListener("abort", stop);
        resolve({
          status: request.status,
          header: (name) => request.getResponseHeader(name),
          problem: readProblem(request),
        });
      };
      signal?.addEventListener("abort", stop);
      request.send(body);
    });

  const readProblem = (request) => {
    if (request.status === 0) return { code: "offline" };
    try {
      return JSON.parse(request.responseText);
    } catch {
      return { code: "unexpected", status: request.status };
    }
  };

  const encode = (text) =>
    btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

  const describe = (file) => {
    const values = { filename: file.name.slice(-200), filetype: file.type };
    return Object.entries(values)
      .filter(([, value]) => value)
      .map(([name, value]) => `${name} ${encode(value)}`)
      .join(",");
  };

  const sleep = (seconds, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new DOMException("", "AbortError"));
      }, { once: true });
    });

  class Upload {
    constructor(file, options) {
      this.file = file;
      this.options = options;
      this.offset = 0;
      this.failures = 0;
      this.controller = new AbortController();
    }

    async run() {
      await enter();
      try {
        this.controller.signal.throwIfAborted();
        await this.create();
        while (this.offset < this.file.size) await this.sendSlice();
        this.options.onDone?.(this.url.split("/").at(-2));
      } catch (error) {
        if (error.name !== "AbortError") this.options.onError?.(error.problem ?? { code: "unexpected" });
      } finally {
        leave();
      }
    }

    async create() {
      const token = this.options.token ?? document.querySelector("[name=csrfmiddlewaretoken]").value;
      this.headers = { "X-CSRFToken": token };
      const headers = {
        ...this.headers,
        "Upload-Length": String(this.file.size),
        "Upload-Metadata": describe(this.file),
      };
      const url = `/uploads/?mailbox=${encodeURIComponent(this.options.mailbox)}`;
      // An answer that was lost leaves an empty upload, which expires.
      for (;;) {
        const answer = await this.ask("POST", url, { headers });
        if (answer.status === 201) {
          this.url = answer.header("Location");
          return;
        }
        await this.pause(answer);
      }
    }

    async sendSlice() {
      const start = this.offset;
      const answer = await this.ask("PATCH", this.url, {
        headers: {
          ...this.headers,
          "Content-Type": "application/offset+octet-stream",
          "Upload-Offset": String(start),
        },
        body: this.file.slice(start, start + SLICE),
        onBytes: (count) => this.options.onProgress?.(Math.min(start + count, this.file.size), this.file.size),
      });
      if (answer.status === 204) {
        this.advance(Number(answer.header("Upload-Offset")));
        return;
      }
      await this.pause(answer);
      const state = await this.ask("HEAD", this.url);
      if (state.status === 200) this.advance(Number(state.header("Upload-Offset")));
      else await this.pause(state);
    }

    ask(method, url, request = {}) {
      return send(method, url, { ...request, signal: this.controller.signal });
    }

    advance(offset) {
      if (offset > this.offset) this.failures = 0;
      this.offset = offset;
      this.options.onProgress?.(offset, this.file.size);
    }

    // Waits before the next try, or ends the upload.
    async pause(answer) {
      if (!canRetry(answer) || this.failures >= PAUSES.length) {
        throw Object.assign(new Error(), { problem: answer.problem });
      }
      const asked = Number(answer.header("Retry-After")) || 0;
      await sleep(Math.max(PAUSES[this.failures++], asked), this.controller.signal);
    }

    // Ends the upload, and deletes what was sent. Neither callback is called afterwards.
    cancel() {
      this.controller.abort();
      if (this.url) send("DELETE", this.url, { headers: this.headers });
    }
  }

  window.startUpload = (file, options) => {
    const upload = new Upload(file, options);
    upload.run();
    return { cancel: () => upload.cancel() };
  };
}
