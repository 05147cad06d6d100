"""The cast, Google as the sandbox plays it, and the service as processes."""

from tests.integrations.google import acme, alice, bob
from tests.worlds.processes import running, web_port, world

__all__ = ["acme", "alice", "bob", "running", "web_port", "world"]
