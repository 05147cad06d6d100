"""Mailboxes: storage, generated mail, search and Gmail's rendering."""
