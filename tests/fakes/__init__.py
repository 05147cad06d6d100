"""In-memory adapters at ports we own; each passes the contract suite of the real ones."""
