// The form of a message: shows the account's other addresses, which only the provider knows, and
// keeps a second press of Send from sending the form again.
const form = document.querySelector("form[data-compose]");
if (form) {
  const mailbox = form.querySelector("#id_mailbox");
  const sender = form.querySelector("#id_sender");

  function offer(addresses) {
    const chosen = sender.value;
    const others = addresses.filter((entry) => !entry.is_default);
    sender.replaceChildren(new Option(sender.dataset.default, ""));
    for (const entry of others) {
      const label = entry.name ? `${entry.name} <${entry.address}>` : entry.address;
      sender.add(new Option(label, entry.address, false, entry.address === chosen));
    }
    // The provider may not have answered. A message never leaves from another address than chosen.
    if (chosen && !addresses.some((entry) => entry.address === chosen)) {
      sender.add(new Option(chosen, chosen, false, true));
    }
    sender.hidden = sender.options.length === 1;
  }

  async function askForSenders() {
    const asked = mailbox.selectedOptions[0]?.dataset.senders;
    if (!asked) return;
    try {
      const answer = await fetch(asked);
      const isCurrent = mailbox.selectedOptions[0]?.dataset.senders === asked;
      // The provider may answer after another account was chosen.
      if (answer.ok && isCurrent) offer((await answer.json()).addresses);
    } catch {
      // The message then leaves from the account's usual address.
    }
  }

  mailbox.addEventListener("change", () => {
    sender.replaceChildren(new Option("", ""));
    sender.hidden = true;
    askForSenders();
  });
  askForSenders();

  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (isSent) event.preventDefault();
    isSent = true;
  });
  // Back to this page from the browser's cache.
  addEventListener("pageshow", () => (isSent = false));
}
