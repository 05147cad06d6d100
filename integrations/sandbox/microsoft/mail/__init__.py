"""Outlook's mail: the store that Gmail's mailboxes have too, seen as folders."""
