// Tells the sign-in form the browser's time zone, so that times are shown in it from the first page.
for (const field of document.querySelectorAll("input[data-time-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
