// Completes addresses in <input data-completes>: a combobox with a list, as WAI-ARIA describes it.
// The addresses come once per page from the server, and stay in this page alone.
const MOST_SHOWN = 8;
const fields = document.querySelectorAll("input[data-completes]");
let addresses = [];

async function load() {
  const form = document.querySelector("form[data-addresses]");
  if (!form) return;
  try {
    const answer = await fetch(form.dataset.addresses);
    if (answer.ok) addresses = (await answer.json()).lists.flatMap((list) => list.addresses);
  } catch {
    // People type the addresses themselves.
  }
  // For what was typed before the addresses came.
  const focused = document.activeElement;
  if ([...fields].includes(focused)) focused.dispatchEvent(new Event("input"));
}

// Where the entry that is being typed begins. A comma in quotes separates nothing.
function findStart(text) {
  let start = 0;
  let isQuoted = false;
  for (let place = 0; place < text.length; place += 1) {
    if (text[place] === '"' && text[place - 1] !== "\\") isQuoted = !isQuoted;
    if (!isQuoted && (text[place] === "," || text[place] === ";")) start = place + 1;
  }
  return start;
}

function format(entry) {
  if (!entry.name || entry.name === entry.address) return entry.address;
  const isPlain = /^[\p{L}\p{N}_ ]+$/u.test(entry.name);
  const name = isPlain ? entry.name : `"${entry.name.replace(/([\\"])/g, "\\$1")}"`;
  return `${name} <${entry.address}>`;
}

function search(typed, text) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const present = text.toLowerCase();
  return addresses
    .filter((entry) => {
      const parts = `${entry.name} ${entry.address}`.toLowerCase().split(/[\s@.,"<>-]+/);
      const whole = entry.address.toLowerCase();
      return (
        !present.includes(`${whole}>`) &&
        words.every((word) => whole.startsWith(word) || parts.some((part) => part.startsWith(word)))
      );
    })
    .slice(0, MOST_SHOWN);
}

function complete(input) {
  const list = document.createElement("ul");
  list.id = `${input.id}_list`;
  list.className = "completions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.form.dataset.suggestions);
  list.hidden = true;
  input.after(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", list.id);
  let found = [];
  let active = -1;

  function close() {
    found = [];
    active = -1;
    list.hidden = true;
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(place) {
    active = place;
    [...list.children].forEach((item, index) => {
      item.setAttribute("aria-selected", String(index === active));
    });
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", list.children[active].id);
      list.children[active].scrollIntoView({ block: "nearest" });
    }
  }

  // Ends the entry that is being typed with this text.
  function end(text) {
    const before = input.value.slice(0, findStart(input.value)).trimEnd();
    input.value = `${before ? `${before} ` : ""}${text}, `;
    input.setSelectionRange(input.value.length, input.value.length);
    close();
  }

  const take = (entry) => end(format(entry));

  // What a person typed is a recipient as it stands, also while a list suggests others.
  function keepTyped() {
    const typed = input.value.slice(findStart(input.value)).trim();
    if (typed && input.selectionStart === input.value.length) end(typed);
    else close();
  }

  function show() {
    // Only at the end: elsewhere a person corrects an entry.
    const isAtEnd = input.selectionStart === input.value.length;
    found = isAtEnd ? search(input.value.slice(findStart(input.value)).trim(), input.value) : [];
    if (!found.length) return close();
    list.replaceChildren(
      ...found.map((entry, place) => {
        const item = document.createElement("li");
        item.id = `${list.id}_${place}`;
        item.setAttribute("role", "option");
        item.dir = "auto";
        const name = document.createElement("span");
        name.textContent = entry.name || entry.address;
        const address = document.createElement("span");
        address.className = "muted small";
        address.textContent = entry.name ? ` ${entry.address}` : "";
        item.append(name, address);
        // Before the field loses the focus.
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(entry);
        });
        return item;
      }),
    );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(-1);
  }

  input.addEventListener("input", show);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      // Nobody sends a message from its recipients.
      if (active < 0) keepTyped();
      else take(found[active]);
    } else if (list.hidden) return;
    else if (event.key === "ArrowDown") mark((active + 1) % found.length);
    else if (event.key === "ArrowUp") mark((active <= 0 ? found.length : active) - 1);
    else if (event.key === "Escape") close();
    else if (event.key === "," && active >= 0) take(found[active]);
    else if (event.key === ",") {
      // A comma after a typed address ends that address.
      close();
      return;
    } else return;
    event.preventDefault();
  });
}

if (fields.length) {
  for (const input of fields) complete(input);
  load();
}
