// Shows each button that copies a text, and copies it: <button type="button" hidden
// data-copy="ID OF THE TEXT" data-copied="Copied" data-failed="Press Ctrl+C to copy">.
// The site's permissions policy forbids the clipboard API, which could also be read by a script.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => {
    getSelection().selectAllChildren(text);
    button.textContent = document.execCommand("copy") ? button.dataset.copied : button.dataset.failed;
    setTimeout(() => (button.textContent = label), 4000);
  });
}
