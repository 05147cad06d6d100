"""The cast, and Google as the sandbox plays it."""

from tests.integrations.google import acme, alice, bob, browser_of, google
from tests.worlds.sandbox import sandbox, sandbox_process

__all__ = ["acme", "alice", "bob", "browser_of", "google", "sandbox", "sandbox_process"]
