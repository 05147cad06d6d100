// A letter or an arrow follows the link that names it in data-key; up and down go from one event to
// the next. Not where somebody writes or chooses, nor with a modifier: those belong to the browser
// and to screen readers.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.repeat || event.defaultPrevented) return;
  if (event.target.closest("input, select, textarea, summary, [contenteditable]")) return;
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    // Only from an event on: elsewhere they scroll.
    const entries = [...document.querySelectorAll("a.entry")].filter((one) => one.offsetParent);
    const here = entries.indexOf(document.activeElement);
    const next = here < 0 ? undefined : entries[here + (event.key === "ArrowUp" ? -1 : 1)];
    if (next) {
      event.preventDefault();
      next.focus();
    }
    return;
  }
  if (!/^([a-z]|ArrowLeft|ArrowRight)$/.test(event.key)) return;
  document.querySelector(`a[data-key~="${event.key}"]`)?.click();
});
