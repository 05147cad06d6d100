// Shows the progress of an export after its form was sent, and sends the form by itself after a
// confirmation: the answer is a file, so the page stays.
const form = document.querySelector("form[data-export]");
form.addEventListener("submit", (event) => {
  // Only a pressed button is a submitter: the notice announces the submission by itself.
  if (event.submitter) document.querySelector("[data-export-starts]")?.remove();
  // Several times: the server may not have begun, or the last answer may be from before.
  for (const pause of [1000, 3000, 8000]) {
    setTimeout(() => htmx.trigger("#exports", "export-started"), pause);
  }
});
// Once htmx listens.
addEventListener("load", () => {
  if (form.dataset.export === "now") form.requestSubmit();
});
