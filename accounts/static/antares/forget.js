// htmx notes the address of the page in the tab's storage, whether or not it keeps a history.
// We keep none, and nothing of a person's mail stays in a browser: not even an address.
sessionStorage.removeItem("htmx-current-path-for-history");
