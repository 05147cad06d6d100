// Attaches files to a message: sends them in pieces by tus 1.0 (see integrations/outbox), shows how
// far each one is, and goes on where a broken connection ended.
const PIECE_BYTES = 8 * 1024 * 1024;
const PAUSES = [1000, 2000, 5000, 10000, 20000];
const part = document.querySelector("[data-uploads]");

class Refused extends Error {}

function encode(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function attach(part) {
  const form = part.closest("form");
  const mailbox = form.querySelector("#id_mailbox");
  const token = form.querySelector("[name='csrfmiddlewaretoken']").value;
  const list = part.querySelector(".attached");
  const status = part.querySelector("[data-files-status]");
  const choice = part.querySelector("input[type='file']");
  const words = part.dataset;

  function request(method, url, { headers = {}, body, onProgress, transfer } = {}) {
    return new Promise((resolve, reject) => {
      const sent = new XMLHttpRequest();
      sent.open(method, url);
      sent.setRequestHeader("Tus-Resumable", "1.0.0");
      sent.setRequestHeader("X-CSRFToken", token);
      for (const [name, value] of Object.entries(headers)) sent.setRequestHeader(name, value);
      if (onProgress) sent.upload.addEventListener("progress", onProgress);
      sent.addEventListener("load", () => resolve(sent));
      sent.addEventListener("error", () => reject(new Error("connection")));
      sent.addEventListener("abort", () => reject(new Refused("")));
      if (transfer) transfer.current = sent;
      sent.send(body);
    });
  }

  async function create(file) {
    const kind = file.type || "application/octet-stream";
    const answer = await request("POST", `${words.uploads}?mailbox=${mailbox.value}`, {
      headers: {
        "Upload-Length": String(file.size),
        "Upload-Metadata": `filename ${encode(file.name)},filetype ${encode(kind)}`,
      },
    });
    if (answer.status === 201) return answer.getResponseHeader("Location");
    if (answer.status === 413) throw new Refused(words.tooLarge);
    if (answer.status === 409 || answer.status === 429) throw new Refused(words.tooMany);
    throw new Refused(words.failed);
  }

  async function send(file, url, transfer, showBytes) {
    let offset = 0;
    let failures = 0;
    while (offset < file.size || file.size === 0) {
      if (transfer.isEnded) throw new Refused("");
      try {
        const start = offset;
        const answer = await request("PATCH", url, {
          headers: {
            "Upload-Offset": String(offset),
            "Content-Type": "application/offset+octet-stream",
          },
          body: file.slice(offset, offset + PIECE_BYTES),
          onProgress: (event) => showBytes(start + event.loaded),
          transfer,
        });
        if (answer.status === 204) {
          offset = Number(answer.getResponseHeader("Upload-Offset"));
          failures = 0;
          if (file.size === 0) return;
          continue;
        }
        if ([400, 403, 404, 410, 413, 415].includes(answer.status)) throw new Refused(words.failed);
      } catch (error) {
        if (error instanceof Refused) throw error;
      }
      // The server says how much arrived.
      if (failures >= PAUSES.length) throw new Refused(words.failed);
      await wait(PAUSES[failures]);
      failures += 1;
      try {
        const answer = await request("HEAD", url, { transfer });
        if (answer.status === 404 || answer.status === 410) throw new Refused(words.failed);
        if (answer.ok || answer.status === 200) {
          offset = Number(answer.getResponseHeader("Upload-Offset"));
          if (offset === file.size) return;
        }
      } catch (error) {
        if (error instanceof Refused) throw error;
      }
    }
  }

  function addButton(item, name, transfer, getUrl) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small quiet";
    const label = document.createElement("span");
    label.textContent = transfer ? words.cancel : words.remove;
    const about = document.createElement("span");
    about.className = "visually-hidden";
    about.textContent = ` ${name}`;
    button.append(label, about);
    button.addEventListener("click", () => {
      if (transfer) {
        transfer.isEnded = true;
        transfer.current?.abort();
      }
      const url = getUrl();
      if (url) request("DELETE", url).catch(() => {});
      const next = item.nextElementSibling ?? item.previousElementSibling;
      item.remove();
      (next?.querySelector("button") ?? choice).focus();
    });
    item.append(button);
    return label;
  }

  async function add(file) {
    const transfer = { isEnded: false, current: null };
    let url = "";
    const item = document.createElement("li");
    item.dataset.state = "arriving";
    const name = document.createElement("span");
    name.className = "truncate";
    name.dir = "auto";
    name.textContent = file.name;
    const progress = document.createElement("progress");
    progress.className = "progress";
    progress.max = Math.max(file.size, 1);
    progress.value = 0;
    progress.setAttribute("aria-label", `${words.arriving} ${file.name}`);
    item.append(name, progress);
    const label = addButton(item, file.name, transfer, () => url);
    list.append(item);
    try {
      if (file.size > Number(words.most)) throw new Refused(words.tooLarge);
      url = await create(file);
      if (transfer.isEnded) {
        request("DELETE", url).catch(() => {});
        return;
      }
      await send(file, url, transfer, (bytes) => (progress.value = bytes));
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = "upload";
      input.value = url.split("/").at(-2);
      progress.remove();
      item.append(input);
      item.dataset.state = "done";
      status.textContent = `${words.done}: ${file.name}`;
    } catch (error) {
      if (transfer.isEnded) return;
      progress.remove();
      item.dataset.state = "failed";
      const problem = document.createElement("span");
      problem.className = "errorlist";
      problem.textContent = error instanceof Refused ? error.message : words.failed;
      name.after(problem);
      status.textContent = `${file.name}: ${problem.textContent}`;
    }
    label.textContent = words.remove;
  }

  part.querySelector("[data-files-choice]").hidden = false;
  for (const item of list.children) {
    const url = `${words.uploads}${item.querySelector("[name='upload']").value}/`;
    addButton(item, item.querySelector("[data-name]").textContent, null, () => url);
    item.dataset.state = "done";
  }
  choice.addEventListener("change", () => {
    for (const file of choice.files) add(file);
    choice.value = "";
  });
  // A file belongs to the mailbox that sends it.
  mailbox.addEventListener("change", () => {
    for (const item of list.querySelectorAll("[data-state='done']")) {
      item.querySelector("[name='upload']")?.remove();
      item.dataset.state = "failed";
      const problem = document.createElement("span");
      problem.className = "errorlist";
      problem.textContent = words.moved;
      item.firstElementChild.after(problem);
    }
  });
  form.addEventListener("submit", (event) => {
    const unready = list.querySelector("[data-state='arriving'], [data-state='failed']");
    if (!unready) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    status.textContent = words.waiting;
    let alert = part.querySelector("[role='alert']");
    if (!alert) {
      alert = document.createElement("p");
      alert.className = "errorlist";
      alert.setAttribute("role", "alert");
      part.append(alert);
    }
    alert.textContent = words.waiting;
    unready.querySelector("button").focus();
  });
}

if (part) attach(part);
