// A letter or an arrow follows the link that names it in data-key; up and down move from event to
// event. Ignored in form fields and with a modifier, which belong to the browser and to screen
// readers.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.repeat || event.defaultPrevented) return;
  if (event.target.closest("input, select, textarea, summary, [contenteditable]")) return;
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    // Only while an event has the focus: otherwise these keys scroll.
    const entries = [...document.querySelectorAll("a.entry")].filter((entry) => entry.offsetParent);
    const current = entries.indexOf(document.activeElement);
    const next = current < 0 ? undefined : entries[current + (event.key === "ArrowUp" ? -1 : 1)];
    if (next) {
      event.preventDefault();
      next.focus();
    }
    return;
  }
  if (!/^([a-z]|ArrowLeft|ArrowRight)$/.test(event.key)) return;
  document.querySelector(`a[data-key~="${event.key}"]`)?.click();
});
