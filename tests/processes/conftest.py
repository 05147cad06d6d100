"""The cast, Google as the sandbox plays it, and the service as processes."""

from tests.integrations.google import acme, alice, bob
from tests.worlds.processes import running, world
from tests.worlds.sandbox import sandbox, sandbox_process

__all__ = ["acme", "alice", "bob", "running", "sandbox", "sandbox_process", "world"]
