"""Mailboxes: kept, generated, searched and shown as Gmail shows them."""
