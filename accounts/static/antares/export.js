// Shows the progress of an export after its form was sent, and sends the form by itself after a
// confirmation: the answer is a file, so the page stays.
const form = document.querySelector("form[data-export]");
form.addEventListener("submit", () => {
  document.querySelector("[data-export-starts]")?.remove();
  setTimeout(() => htmx.trigger("#exports", "export-started"), 1000);
});
if (form.dataset.export === "now") form.requestSubmit();
