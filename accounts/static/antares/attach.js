// Attaches files to a message: shows how far each one is, and what went wrong. upload.js sends them.
const part = document.querySelector("[data-uploads]");

function attach(part) {
  const form = part.closest("form");
  const mailbox = form.querySelector("#id_mailbox");
  const token = form.querySelector("[name='csrfmiddlewaretoken']").value;
  const list = part.querySelector(".attached");
  const status = part.querySelector("[data-files-status]");
  const choice = part.querySelector("input[type='file']");
  const words = part.dataset;
  // By item of the list: cancels the file or deletes it, whichever it still takes.
  const endFile = new WeakMap();

  const findUnready = () => list.querySelector("[data-state='arriving'], [data-state='failed']");

  function stopWaiting() {
    if (!findUnready()) part.querySelector("[role='alert']")?.remove();
  }

  function explain(problem) {
    if (problem.status === 413) return words.tooLarge;
    if (problem.status === 409 || problem.status === 429) return words.tooMany;
    return words.failed;
  }

  function deleteUpload(id) {
    const headers = { "Tus-Resumable": "1.0.0", "X-CSRFToken": token };
    fetch(`${words.uploads}${id}/`, { method: "DELETE", headers }).catch(() => {});
  }

  function addButton(item, name, text, end) {
    endFile.set(item, end);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small quiet";
    const label = document.createElement("span");
    label.textContent = text;
    const about = document.createElement("span");
    about.className = "visually-hidden";
    about.textContent = ` ${name}`;
    button.append(label, about);
    button.addEventListener("click", () => {
      endFile.get(item)();
      const next = item.nextElementSibling ?? item.previousElementSibling;
      item.remove();
      stopWaiting();
      (next?.querySelector("button") ?? choice).focus();
    });
    item.append(button);
    return label;
  }

  // Of a file that has ended: nothing is left to delete.
  function showProblem(item, text) {
    item.dataset.state = "failed";
    endFile.set(item, () => {});
    const problem = document.createElement("span");
    problem.className = "errorlist";
    problem.textContent = text;
    item.firstElementChild.after(problem);
  }

  function add(file) {
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
    const label = addButton(item, file.name, words.cancel, () => {});
    list.append(item);

    function fail(text) {
      progress.remove();
      showProblem(item, text);
      status.textContent = `${file.name}: ${text}`;
      label.textContent = words.remove;
    }

    if (file.size > Number(words.most)) {
      fail(words.tooLarge);
      return;
    }
    const upload = startUpload(file, {
      mailbox: mailbox.value,
      token,
      onProgress: (bytes) => (progress.value = bytes),
      onError: (problem) => fail(explain(problem)),
      onDone: (id) => {
        const input = document.createElement("input");
        input.type = "hidden";
        input.name = "upload";
        input.value = id;
        progress.remove();
        item.append(input);
        item.dataset.state = "done";
        status.textContent = `${words.done}: ${file.name}`;
        label.textContent = words.remove;
        endFile.set(item, () => deleteUpload(id));
        stopWaiting();
      },
    });
    endFile.set(item, () => upload.cancel());
  }

  part.querySelector("[data-files-choice]").hidden = false;
  for (const item of list.children) {
    const id = item.querySelector("[name='upload']").value;
    addButton(item, item.querySelector("[data-name]").textContent, words.remove, () => deleteUpload(id));
    item.dataset.state = "done";
  }
  choice.addEventListener("change", () => {
    for (const file of choice.files) add(file);
    choice.value = "";
  });
  // A file belongs to the mailbox that sends it.
  mailbox.addEventListener("change", () => {
    for (const item of list.querySelectorAll("[data-state='arriving'], [data-state='done']")) {
      endFile.get(item)();
      item.querySelector("[name='upload']")?.remove();
      item.querySelector("progress")?.remove();
      item.querySelector("button span").textContent = words.remove;
      showProblem(item, words.moved);
    }
  });
  function keepUnsent(event) {
    const unready = findUnready();
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
  }

  // Before compose.js, which takes every other press of Send for the last.
  form.addEventListener("submit", keepUnsent, { capture: true });
}

if (part) attach(part);
