"""The cast, and Google as the sandbox plays it."""

from tests.integrations.google import acme, alice, bob, browser_of, google

__all__ = ["acme", "alice", "bob", "browser_of", "google"]
