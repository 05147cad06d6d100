"""
Refuses a service client that has not acknowledged a removal in time.

`integrations.purge.removal_deadlines` writes the time into the client's row. The client's own
token, with which it acknowledges, is not refused.
"""

from __future__ import annotations

from datetime import datetime

from accounts.models import ServiceClient


class RemovalsOverdue(Exception):
    """The client's feature has to acknowledge removals first. It lists them at `/v1/removals`."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__("removals are overdue")
        self.due_at = due_at

    @property
    def description(self) -> str:
        """One line for developers, in printable ASCII, as RFC 6749 requires."""
        return (
            f"A removal was due at {self.due_at:%Y-%m-%dT%H:%M:%SZ}."
            " List the open removals with GET /v1/removals and acknowledge each."
        )


def refuse_overdue_client(client: ServiceClient, *, at: datetime) -> None:
    """:raises RemovalsOverdue:"""
    if client.removals_due_at is not None and client.removals_due_at <= at:
        raise RemovalsOverdue(client.removals_due_at)
