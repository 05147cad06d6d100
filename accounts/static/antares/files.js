// Sends chosen and dropped files to the Drive by tus-js-client, and keeps the list of files current.
//
// A row of the list comes from the service (`templates/drive/_file.html`). For a new file the blank
// row is copied; while this page sends the file, it shows percent, rate and time left. In every
// other state the row is the service's own.
const part = document.querySelector("[data-files]");

function startFiles(part) {
  const words = part.dataset;
  const list = document.querySelector("[data-file-list]");
  const blank = part.querySelector("[data-file-template]");
  const drive = part.querySelector("#id_drive");
  const status = part.querySelector("[data-files-status]");
  const dialog = part.querySelector("[data-again-dialog]");
  const token = document.querySelector("[name='csrfmiddlewaretoken']").value;
  const BLANK_ID = "00000000-0000-0000-0000-000000000000";
  // Bodies up to this size have a checksum.
  const MOST_CHECKED = 8 * 1024 * 1024;
  // The service takes two files of a person at a time.
  const MOST_SENT = 2;
  // Milliseconds before each try after the first, for a day. Bytes that arrive begin the row again.
  const PAUSES = [500, 1000, 2000, 4000, 8000, 15000, ...Array(2880).fill(30000)];
  const RETRIED = new Set([0, 408, 423, 429, 460, 500, 502, 503, 504]);
  // States of an upload that takes bytes, or takes them once it is resumed.
  const UNFINISHED = new Set(["waiting", "uploading", "paused"]);
  // States in which nothing is left to send or to compare.
  const ENDED = new Set(["done", "failed", "cancelled"]);
  // Answers after which an upload takes no more bytes.
  const ENDING_STATUSES = new Set([404, 410]);
  const ENDING_CODES = new Set(["upload-not-open", "upload-failed"]);
  const POLL = 2000;
  const LONGEST_POLL = 20000;
  // Milliseconds over which the rate is measured.
  const RATE_TIME = 5000;

  // What sends the file of a row.
  const senders = new Map();
  // Files that this page has sent, by the id of their row: they can be sent on without being chosen.
  const chosenFiles = new Map();
  // For all files of this page: whether to upload them again.
  let decisionForAll = null;

  // ---- What the browser remembers ----

  // Names stay out of the browser's storage: an entry is found by a hash.
  async function computeFingerprint(file, driveId) {
    if (!window.crypto?.subtle) return null;
    const text = JSON.stringify([driveId, file.name, file.size, file.lastModified]);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  const urlStorage = tus.defaultOptions.urlStorage;
  const readId = (url) => url.split("/").at(-1);

  async function listStored(id) {
    const stored = await urlStorage.findAllUploads();
    return stored.filter((upload) => upload.uploadUrl && readId(upload.uploadUrl) === id);
  }

  // Removes the entry of an upload. An entry goes only if the upload has ended.
  async function forget(id) {
    for (const stored of await listStored(id)) await urlStorage.removeUpload(stored.urlStorageKey);
  }

  // Returns the key of the entry; null if the browser stores none.
  async function remember(fingerprint, { size, uploadUrl, creationTime }) {
    try {
      const [stored] = await listStored(readId(uploadUrl));
      if (stored) return stored.urlStorageKey;
      return await urlStorage.addUpload(fingerprint, { size, uploadUrl, creationTime, metadata: {} });
    } catch {
      return null;
    }
  }

  // ---- Words ----

  function fill(text, values) {
    return text.replace(/{(\w+)}/g, (_, name) => values[name]);
  }

  function formatSize(bytes) {
    const units = ["bytes", "KB", "MB", "GB", "TB"];
    let number = bytes;
    let unit = 0;
    while (number >= 1024 && unit < units.length - 1) {
      number /= 1024;
      unit++;
    }
    return `${unit ? number.toFixed(1) : number}\u00a0${units[unit]}`;
  }

  function formatTime(seconds) {
    if (seconds < 60) return fill(words.seconds, { count: Math.max(1, Math.ceil(seconds)) });
    if (seconds < 3600) return fill(words.minutes, { count: Math.ceil(seconds / 60) });
    return fill(words.hours, { count: Math.ceil(seconds / 3600) });
  }

  function announce(text) {
    status.textContent = text;
  }

  // ---- Rows ----

  const findRow = (id) => list.querySelector(`[data-file="${id}"]`);
  const getName = (row) => row.querySelector("[data-name]").textContent.trim();

  function setLabel(row, text, tone) {
    const label = row.querySelector("[data-label]");
    label.textContent = text;
    label.className = `badge ${tone}`;
  }

  function setNote(row, text) {
    let note = row.querySelector("[data-note]");
    if (!note && text) {
      note = blank.content.querySelector("[data-note]").cloneNode();
      row.querySelector(".actions").before(note);
    }
    if (note && note.textContent !== text) note.textContent = text;
  }

  function showChoose(row, text) {
    const button = row.querySelector("[data-choose]");
    if (!button) return;
    button.textContent = text;
    button.hidden = false;
  }

  function hideChoose(row) {
    const button = row.querySelector("[data-choose]");
    if (button) button.hidden = true;
  }

  function setButtonsHidden(row, actions, isHidden) {
    for (const form of row.querySelectorAll("form")) {
      if (actions.includes(form.elements.action.value)) form.hidden = isHidden;
    }
  }

  function addRow(file, driveId) {
    const row = blank.content.firstElementChild.cloneNode(true);
    row.dataset.drive = driveId;
    row.querySelector("[data-name]").textContent = file.name;
    row.querySelector("[data-size]").textContent = formatSize(file.size);
    const progress = row.querySelector("progress");
    progress.max = Math.max(file.size, 1);
    progress.setAttribute("aria-label", `${words.sending}: ${file.name}`);
    setButtonsHidden(row, ["pause"], true);
    hideChoose(row);
    list.prepend(row);
    noteEmpty();
    return row;
  }

  function noteEmpty() {
    document.querySelector("[data-no-files]").hidden = list.childElementCount > 0;
  }

  function setId(row, id) {
    row.dataset.file = id;
    for (const form of row.querySelectorAll("form")) {
      // A field of the form is called `action`, too.
      form.setAttribute("action", form.getAttribute("action").replace(BLANK_ID, id));
    }
    setButtonsHidden(row, ["pause"], false);
  }

  function replaceRow(row, html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-file]");
    if (!fresh) return row;
    const hadFocus = row.contains(document.activeElement);
    row.replaceWith(fresh);
    offerToContinue(fresh);
    if (hadFocus) fresh.querySelector("a[href], form:not([hidden]) button, button:not([hidden])")?.focus();
    if (fresh.dataset.state === "done") announce(`${words.done}: ${getName(fresh)}`);
    return fresh;
  }

  function removeRow(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const hadFocus = row.contains(document.activeElement);
    row.remove();
    noteEmpty();
    if (hadFocus) (next?.querySelector("a[href], form:not([hidden]) button") ?? part.querySelector("input[type='file']")).focus();
  }

  async function refreshRow(id) {
    const row = findRow(id);
    if (!row || senders.has(id)) return;
    const url = `${location.pathname.replace(/\/$/, "")}/${id}/row/`;
    try {
      const answer = await fetch(url);
      if (answer.ok) replaceRow(row, await answer.text());
      else if (answer.status === 404) removeRow(row);
    } catch {
      // Asked again by the next poll.
    }
  }

  // Unfinished rows that this page does not send: it can, once it has the file.
  async function offerToContinue(row) {
    const id = row.dataset.file;
    if (ENDED.has(row.dataset.state)) forget(id);
    if (row.dataset.state === "failed") {
      showChoose(row, words.again);
      return;
    }
    if (!("waits" in row.dataset) || senders.has(id)) return;
    if (chosenFiles.has(id)) {
      setNote(row, "");
      if (row.dataset.state !== "paused") showChoose(row, words.again);
    } else if ((await listStored(id)).length) {
      setNote(row, words.continue);
      showChoose(row, words.same);
    }
  }

  // ---- Turns ----

  class Gate {
    constructor(places) {
      this.places = places;
      this.waiting = [];
    }

    enter() {
      if (this.places > 0) {
        this.places--;
        return Promise.resolve();
      }
      return new Promise((resolve) => this.waiting.push(resolve));
    }

    leave() {
      const next = this.waiting.shift();
      if (next) next();
      else this.places++;
    }
  }

  const creating = new Gate(1);
  const sending = new Gate(MOST_SENT);

  function readProblem(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    try {
      return { ...JSON.parse(error.originalResponse.getBody()), status };
    } catch {
      return { code: status ? "unexpected" : "offline", status };
    }
  }

  function explainWait(problem) {
    if (!navigator.onLine || !problem.status) return words.offline;
    if (problem.status === 423) return words.locked;
    if (problem.code === "too-many-uploads") return words.slots;
    if (problem.status === 429) return words.limited;
    return words.busy;
  }

  // The session is over, or the page's token is older than the session.
  function needsSignIn({ status, code }) {
    return status === 401 || (status === 403 && code !== "limited-use-refused");
  }

  function explainFailure(problem) {
    if (needsSignIn(problem)) return words.signIn;
    if (!problem.status || RETRIED.has(problem.status)) return words.broken;
    return [problem.title, problem.detail].filter(Boolean).join(" ") || words.failed;
  }

  class Sender {
    constructor(file, row, driveId) {
      this.file = file;
      this.row = row;
      this.driveId = driveId;
      this.samples = [];
      this.isStopped = false;
      row.sender = this;
    }

    get id() {
      return this.url ? readId(this.url) : null;
    }

    start({ url = null, again = false } = {}) {
      if (this.isStopped) return;
      this.url = url;
      delete this.row.dataset.broken;
      if (url) senders.set(this.id, this);
      hideChoose(this.row);
      this.showState(words.queued, "");
      setNote(this.row, "");
      const query = new URLSearchParams({ drive: this.driveId, ...(again && { again: "true" }) });
      this.upload = new tus.Upload(this.file, {
        endpoint: url ? null : `${words.endpoint}?${query}`,
        uploadUrl: url,
        metadata: { filename: this.file.name, filetype: this.file.type || "application/octet-stream" },
        headers: { "X-CSRFToken": token },
        retryDelays: PAUSES,
        // The client would remove an entry after refusals that do not end the upload.
        urlStorage: {
          addUpload: async (...values) => (this.isStopped ? null : remember(...values)),
          removeUpload: async () => {},
        },
        fingerprint: (file) => computeFingerprint(file, this.driveId),
        onBeforeRequest: (request) => this.prepare(request),
        onUploadUrlAvailable: () => this.noteUrl(),
        onProgress: (bytes) => this.showProgress(bytes),
        onShouldRetry: (error) => this.canRetry(error),
        onSuccess: () => this.succeed(),
        onError: (error) => this.fail(error),
      });
      this.upload.start();
    }

    // Waits for a turn; a request of a stopped upload is not sent.
    async prepare(request) {
      const method = request.getMethod();
      this.isWaiting = false;
      if (method === "POST" && !this.hasCreation) {
        await creating.enter();
        this.hasCreation = true;
      }
      if (method === "PATCH" && !this.hasTurn) {
        this.showState(words.queued, "");
        await sending.enter();
        this.hasTurn = true;
      }
      await this.waitUntilAllowed();
      if (method === "PATCH" && !this.isStopped) {
        this.showState(words.sending, "info");
        setNote(this.row, "");
        await this.addChecksum(request);
      }
      if (this.isStopped) {
        this.leave();
        throw new Error("stopped");
      }
      this.isCreating = method === "POST";
    }

    // A refusal may say how long to wait.
    async waitUntilAllowed() {
      const wait = (this.notBefore ?? 0) - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    }

    async addChecksum(request) {
      const body = this.file.slice(Number(request.getHeader("Upload-Offset")));
      if (body.size > MOST_CHECKED || !window.crypto?.subtle) return;
      const digest = await crypto.subtle.digest("SHA-256", await body.arrayBuffer());
      const bytes = String.fromCharCode(...new Uint8Array(digest));
      request.setHeader("Upload-Checksum", `sha256 ${btoa(bytes)}`);
    }

    noteUrl() {
      this.isCreating = false;
      this.leaveCreation();
      if (this.url) return;
      this.url = new URL(this.upload.url, location.href).pathname;
      if (this.isStopped) {
        this.upload.abort();
        cancelUpload(this.id);
        return;
      }
      // Without an endpoint, an upload that ended is never begun again unasked.
      this.upload.options.endpoint = null;
      senders.set(this.id, this);
      chosenFiles.set(this.id, this.file);
      setId(this.row, this.id);
    }

    canRetry(error) {
      const problem = readProblem(error);
      this.isCreating = false;
      this.leaveCreation();
      if (this.isStopped) return false;
      if (!problem.status && !this.url) this.isCreationUnanswered = true;
      const isRetried = RETRIED.has(problem.status) || problem.code === "upload-offset";
      if (isRetried) {
        this.isWaiting = true;
        const seconds = Number(error.originalResponse?.getHeader("Retry-After")) || 0;
        this.notBefore = Date.now() + seconds * 1000;
        setNote(this.row, explainWait(problem));
        if (!problem.status) this.checkFile();
      }
      return isRetried;
    }

    // A request with a file that was changed or moved on the disk ends as if the network were away.
    async checkFile() {
      try {
        await this.file.slice(0, 1).arrayBuffer();
      } catch {
        if (!this.isWaiting) return;
        this.upload.abort();
        this.end();
        if (this.url) this.breakOff(words.unreadable, true);
        else this.refuse(words.unreadable, true);
        // It has to be chosen again.
        chosenFiles.delete(this.id);
        this.row.chosenFile = null;
        startPolling();
      }
    }

    // The connection is back: the pause before the next try is over.
    hurry() {
      if (!this.isWaiting || !this.url) return;
      this.isWaiting = false;
      this.upload.abort();
      this.upload.options.uploadUrl = this.url;
      this.upload.start();
    }

    succeed() {
      if (this.isStopped) return;
      this.end();
      if (this.id) {
        forget(this.id);
        this.row.dataset.state = "checking";
        this.row.dataset.changing = "";
        this.row.querySelector("progress").value = this.file.size;
        this.row.querySelector("[data-progress-words]").textContent = "100 %";
        setButtonsHidden(this.row, ["pause", "cancel"], true);
        this.showState(words.checking, "info");
        setNote(this.row, words.checkingNote);
        refreshRow(this.id);
      }
      startPolling();
    }

    async fail(error) {
      if (this.isStopped) return;
      const problem = readProblem(error);
      this.end();
      if (!this.url) {
        if (problem.code === "file-uploaded-before") await this.decideAgain();
        else this.refuse(explainFailure(problem), !needsSignIn(problem));
      } else if (problem.code === "upload-paused") {
        await refreshRow(this.id);
      } else if (await hasEnded(this.id, problem)) {
        await forget(this.id);
        // The row says why.
        await refreshRow(this.id);
        announce(`${words.failedLabel}: ${this.file.name}`);
      } else {
        this.breakOff(explainFailure(problem), !needsSignIn(problem));
      }
      startPolling();
    }

    // The upload has not ended. The row keeps these words although the service knows of no failure.
    breakOff(text, mayTryAgain) {
      if (this.isStopped) return;
      this.row.dataset.broken = "";
      chosenFiles.set(this.id, this.file);
      this.showFailure(text, mayTryAgain);
    }

    // The service has no row of this file.
    refuse(text, mayTryAgain = false) {
      this.row.dataset.state = "refused";
      this.row.chosenFile = this.file;
      this.row.querySelector("[data-progress]")?.remove();
      this.showFailure(text, mayTryAgain);
    }

    showFailure(text, mayTryAgain) {
      this.showState(words.failedLabel, "bad");
      setNote(this.row, text);
      if (mayTryAgain) showChoose(this.row, words.again);
      announce(`${this.file.name}: ${text}`);
    }

    async decideAgain() {
      if (this.isCreationUnanswered) {
        const earlier = await findCreated(this.file, this.driveId);
        if (this.isStopped) {
          if (earlier) await cancelUpload(earlier.id);
          return;
        }
        if (earlier) {
          const url = `${words.endpoint}/${earlier.id}`;
          setId(this.row, earlier.id);
          chosenFiles.set(earlier.id, this.file);
          new Sender(this.file, this.row, this.driveId).start({ url });
          return;
        }
      }
      if (await askAgain(this.file.name)) {
        new Sender(this.file, this.row, this.driveId).start({ again: true });
      } else {
        removeRow(this.row);
      }
    }

    // Sends nothing more. What the Drive has stays there. A creation under way goes on: its answer
    // has the address by which the upload is cancelled.
    stop() {
      this.isStopped = true;
      if (!this.isCreating) this.upload?.abort();
      this.end();
    }

    end() {
      this.isWaiting = false;
      if (this.id && senders.get(this.id) === this) senders.delete(this.id);
      this.leave();
    }

    leave() {
      this.leaveCreation();
      if (this.hasTurn) {
        this.hasTurn = false;
        sending.leave();
      }
    }

    leaveCreation() {
      if (!this.hasCreation) return;
      this.hasCreation = false;
      creating.leave();
    }

    showState(text, tone) {
      setLabel(this.row, text, tone);
    }

    showProgress(bytes) {
      const now = performance.now();
      this.isWaiting = false;
      this.samples.push([now, bytes]);
      while (this.samples.length > 2 && now - this.samples[0][0] > RATE_TIME) this.samples.shift();
      const size = this.file.size;
      if (bytes < size && now - (this.shownAt ?? 0) < 200) return;
      this.shownAt = now;
      const progress = this.row.querySelector("progress");
      if (!progress) return;
      progress.max = Math.max(size, 1);
      progress.value = bytes;
      const [began, first] = this.samples[0];
      const rate = now > began ? ((bytes - first) * 1000) / (now - began) : 0;
      const shown = [
        `${Math.floor((bytes * 100) / Math.max(size, 1))} %`,
        fill(words.of, { part: formatSize(bytes), size: formatSize(size) }),
      ];
      if (rate > 0 && bytes < size) {
        shown.push(fill(words.rate, { size: formatSize(Math.round(rate)) }));
        shown.push(fill(words.left, { time: formatTime((size - bytes) / rate) }));
      }
      this.row.querySelector("[data-progress-words]").textContent = shown.join(" · ");
    }
  }

  // Cancels an upload that has no row in this page.
  async function cancelUpload(id) {
    for (const wait of PAUSES.slice(0, 6)) {
      const answer = await post(`${words.endpoint}/${id}/cancel`);
      if (answer && !RETRIED.has(answer.status)) return;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  // The row that an unanswered request created.
  async function findCreated(file, driveId) {
    const query = new URLSearchParams({ drive: driveId, limit: "50" });
    try {
      const answer = await fetch(`${words.endpoint}?${query}`);
      const { data } = await answer.json();
      return data.find(
        (row) =>
          row.filename === file.name.normalize() &&
          row.size === file.size &&
          row.state === "waiting" &&
          row.origin === "client" &&
          !row.proposed_by &&
          !senders.has(row.id) &&
          !findRow(row.id),
      );
    } catch {
      return null;
    }
  }

  // ---- Again? ----

  let asking = Promise.resolve();

  // Asks one question at a time.
  function askAgain(name) {
    asking = asking.then(() => decisionForAll ?? showQuestion(name));
    return asking;
  }

  function showQuestion(name) {
    return new Promise((resolve) => {
      const forAll = dialog.querySelector("#id_for_all");
      dialog.querySelector("[data-again-name]").textContent = name;
      dialog.returnValue = "";
      dialog.showModal();
      dialog.addEventListener("close", () => {
        const isAgain = dialog.returnValue === "again";
        if (forAll.checked) decisionForAll = isAgain;
        resolve(isAgain);
      }, { once: true });
    });
  }

  // ---- Choosing ----

  // Whether Antares may put files into this Drive.
  function isReady(driveId) {
    const drives = drive.options ? [...drive.options] : [drive];
    return drives.some((each) => each.value && each.value === driveId && !each.disabled);
  }

  async function addFiles(files, driveId = drive.value) {
    if (!isReady(driveId)) {
      announce(words.reconnect);
      return;
    }
    if (!files.length) announce(words.empty);
    decisionForAll = null;
    // The first is at the top.
    const added = files.slice().reverse().map((file) => new Sender(file, addRow(file, driveId), driveId));
    for (const sender of added.reverse()) {
      if (sender.file.size > Number(words.most)) sender.refuse(words.tooLarge);
      else if (!(await continueStored(sender))) sender.start();
    }
  }

  // Continues an upload that this browser began earlier. Returns whether there is one.
  async function continueStored(sender) {
    const fingerprint = await computeFingerprint(sender.file, sender.driveId);
    if (!fingerprint) return false;
    for (const stored of await urlStorage.findUploadsByFingerprint(fingerprint)) {
      const id = readId(stored.uploadUrl);
      if (senders.has(id)) continue;
      const state = await fetchState(id);
      if (state === "unknown" || UNFINISHED.has(state)) {
        if (sender.isStopped) return true;
        if (state === "paused") await post(`${words.endpoint}/${id}/resume`);
        const listed = findRow(id);
        if (listed && listed !== sender.row) removeRow(listed);
        setId(sender.row, id);
        chosenFiles.set(id, sender.file);
        sender.start({ url: `${words.endpoint}/${id}` });
        return true;
      }
      await forget(id);
    }
    return false;
  }

  // Returns the state of an upload: "gone" if the service no longer has it, "unknown" if it does
  // not say.
  async function fetchState(id) {
    try {
      const answer = await fetch(`${words.endpoint}/${id}`);
      if (ENDING_STATUSES.has(answer.status)) return "gone";
      return answer.ok ? (await answer.json()).state : "unknown";
    } catch {
      return "unknown";
    }
  }

  // Whether an upload that was refused takes no more bytes. Answers to HEAD do not say why.
  async function hasEnded(id, { status, code }) {
    if (ENDING_STATUSES.has(status) || ENDING_CODES.has(code)) return true;
    if (!status || RETRIED.has(status) || status === 401) return false;
    const state = await fetchState(id);
    return state !== "unknown" && !UNFINISHED.has(state);
  }

  // Returns null if the service cannot be reached.
  async function post(url) {
    try {
      return await fetch(url, { method: "POST", headers: { "X-CSRFToken": token } });
    } catch {
      return null;
    }
  }

  async function continueRow(row, file) {
    const id = row.dataset.file;
    const driveId = row.dataset.drive;
    const stored = await listStored(id);
    const fingerprint = await computeFingerprint(file, driveId);
    const isSame =
      chosenFiles.get(id) === file || stored.some((each) => each.urlStorageKey.includes(fingerprint));
    if (!isSame) {
      setNote(row, words.other);
      announce(words.other);
      return;
    }
    if (row.dataset.state === "paused") await post(`${words.endpoint}/${id}/resume`);
    chosenFiles.set(id, file);
    row.dataset.state = "uploading";
    prepareRow(row);
    new Sender(file, row, driveId).start({ url: `${words.endpoint}/${id}` });
  }

  // A row of the service for an upload that this page sends.
  function prepareRow(row) {
    if (!row.querySelector("progress")) {
      const shown = blank.content.querySelector("[data-progress]").cloneNode(true);
      shown.querySelector("progress").setAttribute("aria-label", `${words.sending}: ${getName(row)}`);
      row.querySelector(".actions").before(shown);
    }
    hideChoose(row);
  }

  function chooseFor(row) {
    const id = row.dataset.file;
    const known = chosenFiles.get(id);
    const state = row.dataset.state;
    if (known && state !== "failed") {
      continueRow(row, known);
      return;
    }
    const begin = (file) => {
      if (state === "failed") sendAnew(row, file);
      else if (state === "refused") startAgain(row, file);
      else continueRow(row, file);
    };
    if (state === "refused" && row.chosenFile) begin(row.chosenFile);
    else if (known) begin(known);
    else {
      const input = document.createElement("input");
      input.type = "file";
      input.addEventListener("change", () => input.files[0] && begin(input.files[0]));
      input.click();
    }
  }

  // Replaces the entry of a failed upload by a new one.
  async function sendAnew(row, file) {
    const driveId = row.dataset.drive;
    if (checkDrive(row) && (await change(row, "remove")) === "removed") addFiles([file], driveId);
  }

  function startAgain(row, file) {
    if (!checkDrive(row)) return;
    removeRow(row);
    addFiles([file], row.dataset.drive);
  }

  // Says in the row if its Drive takes no files.
  function checkDrive(row) {
    if (isReady(row.dataset.drive)) return true;
    setNote(row, words.reconnect);
    announce(words.reconnect);
    return false;
  }

  for (const input of part.querySelectorAll("input[type='file']")) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = "";
      addFiles(files);
    });
  }
  if (!("webkitdirectory" in HTMLInputElement.prototype)) {
    part.querySelector("[data-folder-choice]").hidden = true;
  }

  // ---- Dropping ----

  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;

  function readEntries(reader) {
    return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  }

  async function listFiles(entry) {
    if (entry.isFile) {
      return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    }
    const files = [];
    const reader = entry.createReader();
    // A reader returns a part of the folder at a time.
    for (;;) {
      const entries = await readEntries(reader);
      if (!entries.length) return files;
      for (const inner of entries) files.push(...(await listFiles(inner)));
    }
  }

  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth++;
    part.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth--;
    if (depth <= 0) part.classList.remove("over");
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    part.classList.remove("over");
    // Both lists are empty once the event has ended.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files];
    if (!entries.length) {
      addFiles(plain);
      return;
    }
    const files = [];
    for (const entry of entries) {
      try {
        files.push(...(await listFiles(entry)));
      } catch {
        announce(words.actionFailed);
      }
    }
    addFiles(files);
  });

  // ---- Buttons ----

  // Returns "removed" or "changed", and "failed" if the row is as it was.
  async function change(row, action) {
    const id = row.dataset.file;
    const form = [...row.querySelectorAll("form")].find((each) => each.elements.action.value === action);
    const body = new FormData(form);
    body.set("part", "row");
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body });
      if (answer.status === 204 || answer.status === 404) {
        await forget(id);
        removeRow(findRow(id) ?? row);
        return "removed";
      }
      if (isSignedOut(answer)) return refuseChange(row, words.signIn);
      if (!answer.ok) throw new Error();
      replaceRow(findRow(id) ?? row, await answer.text());
      return "changed";
    } catch {
      return refuseChange(row, words.actionFailed);
    }
  }

  function refuseChange(row, text) {
    announce(text);
    setNote(row, text);
    return "failed";
  }

  list.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const action = form.elements.action.value;
    const row = form.closest("[data-file]");
    const id = row.dataset.file;
    const sender = [...senders.values()].find((each) => each.row === row) ?? row.sender;
    if (sender && ["pause", "cancel"].includes(action)) sender.stop();
    if (id === BLANK_ID) {
      removeRow(row);
      return;
    }
    const outcome = await change(row, action);
    if (outcome === "failed" && sender && chosenFiles.has(id)) showChoose(row, words.again);
    if (action === "resume" && outcome === "changed" && chosenFiles.has(id)) {
      continueRow(findRow(id), chosenFiles.get(id));
    }
    startPolling();
  });

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose]");
    if (button) chooseFor(button.closest("[data-file]"));
  });

  // ---- States of the service ----

  let timer = null;

  // The page for signing in answers instead, or the form's token is too old.
  const isSignedOut = (answer) => answer.redirected || answer.status === 401 || answer.status === 403;

  // Returns null if the service does not say.
  async function fetchStates() {
    try {
      const answer = await fetch(words.states);
      return answer.ok && !isSignedOut(answer) ? (await answer.json()).files : null;
    } catch {
      return null;
    }
  }

  const listWatched = () =>
    [...list.querySelectorAll("[data-changing], [data-waits]")].filter(
      (row) => row.dataset.file !== BLANK_ID && !senders.has(row.dataset.file),
    );

  let pause = POLL;

  async function poll() {
    timer = null;
    if (document.visibilityState === "visible" && listWatched().length) {
      pause = (await showStates()) ? POLL : Math.min(pause * 1.5, LONGEST_POLL);
    }
    if (listWatched().length) timer = setTimeout(poll, pause);
  }

  // Returns whether anything changed.
  async function showStates() {
    const states = await fetchStates();
    let hasChanged = false;
    for (const row of states ? listWatched() : []) {
      const known = states[row.dataset.file];
      if (!known) continue;
      // The words of a failure are newer than what the service says.
      if ("broken" in row.dataset && ["waiting", "uploading"].includes(known.state)) continue;
      if (known.state !== row.dataset.state) {
        await refreshRow(row.dataset.file);
        hasChanged = true;
      } else if (row.received !== known.received && row.querySelector("progress")) {
        showReceived(row, known);
        hasChanged = true;
      }
    }
    return hasChanged;
  }

  // Shows how much of a file that this page does not send has been passed on.
  function showReceived(row, { received, size }) {
    const progress = row.querySelector("progress");
    row.received = received;
    if (size === null) {
      // The browser shows that something goes on, and no share.
      progress.removeAttribute("value");
    } else {
      progress.max = Math.max(size, 1);
      progress.value = received;
    }
    const part = formatSize(received);
    const shown = size === null ? part : fill(words.of, { part, size: formatSize(size) });
    row.querySelector("[data-progress-words]").textContent = shown;
  }

  function startPolling() {
    pause = POLL;
    clearTimeout(timer);
    timer = setTimeout(poll, POLL / 4);
  }

  // ---- Around ----

  window.addEventListener("online", () => {
    for (const sender of senders.values()) sender.hurry();
  });
  window.addEventListener("beforeunload", (event) => {
    if (senders.size) event.preventDefault();
  });
  for (const row of list.children) offerToContinue(row);
  part.querySelector("[data-send]").hidden = drive.disabled || !drive.value;
  startPolling();
}

if (part) startFiles(part);
