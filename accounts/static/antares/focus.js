// Keeps focus where a person continues: after a form, and after htmx replaced a part of the page.
function moveFocus(element) {
  if (!element.matches("a[href], button, input, select, textarea, summary")) element.tabIndex = -1;
  element.focus();
}

// The answer to a form: the first field with an error, or what the page says.
const answer =
  document.querySelector("main [aria-invalid='true']:not([type='hidden'])") ??
  document.querySelector("main [role='alert']") ??
  document.querySelector("main .messages");
if (answer && !document.querySelector("[autofocus]")) moveFocus(answer);

// htmx itself returns focus to an element with the same id.
let hadFocus = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  hadFocus = event.detail.target.contains(document.activeElement);
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!hadFocus || document.activeElement !== document.body) return;
  hadFocus = false;
  const part = event.detail.elt;
  moveFocus(part.querySelector("h1, h2, h3, [role='status']") ?? part);
});
