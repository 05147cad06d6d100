// Keeps the state of a sent message current: <div data-outbox="URL">, with the page's part that the
// URL returns. Only a changed state is announced; the seconds left to undo are shown, not spoken.
const banner = document.querySelector("[data-outbox]");
const TONES = { sent: "good", failed: "bad", unknown: "warn" };

function getPart() {
  return banner.querySelector(".outbox-state");
}

function countDown() {
  const part = getPart();
  const left = Number(part.dataset.undo) - 1;
  const seconds = part.querySelector("[data-seconds]");
  if (!seconds) return;
  part.dataset.undo = String(left);
  if (left > 0) seconds.textContent = ` (${left} s)`;
  else part.querySelector("form")?.remove();
}

async function refresh() {
  const poll = Number(getPart().dataset.poll);
  if (!poll) return;
  try {
    const answer = await fetch(banner.dataset.outbox);
    if (answer.ok) {
      const sheet = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = sheet.querySelector(".outbox-state");
      const current = getPart();
      if (fresh && fresh.dataset.state !== current.dataset.state) {
        const hadFocus = current.contains(document.activeElement);
        current.replaceWith(fresh);
        banner.className = `alert ${TONES[fresh.dataset.state] ?? "info"} outbox-banner`;
        if (hadFocus) fresh.querySelector("button, a").focus();
      }
    }
  } catch {
    // Asked again below.
  }
  setTimeout(refresh, poll * 1000);
}

if (banner) {
  setInterval(countDown, 1000);
  setTimeout(refresh, 1000);
}
