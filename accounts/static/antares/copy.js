// Shows each button that copies a text and copies it: <button type="button" hidden
// data-copy="ID OF THE TEXT" data-copied="Copied" data-failed="Press Ctrl+C to copy">.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    let isCopied = true;
    try {
      await navigator.clipboard.writeText(text.textContent.trim());
    } catch {
      // Without the permission, or outside of a secure context: select the text and copy it.
      getSelection().selectAllChildren(text);
      isCopied = document.execCommand("copy");
    }
    button.textContent = isCopied ? button.dataset.copied : button.dataset.failed;
    setTimeout(() => (button.textContent = label), 4000);
  });
}
