"""
What the guard decides, without the ledger's entry of it.

For benchmarks, which measure deciding apart from writing, and for tests of what would be written.
The service has no such way: there a decision is on disk before anybody knows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from limited_use.access_request import AccessRequest, Permit
from limited_use.guard import guard
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import entries


def decide_unrecorded(
    asks: Sequence[AccessRequest], *, at: datetime
) -> tuple[list[Permit], AccessRefused | None, list[tuple[UUID, dict[str, entries.EntryValue]]]]:
    """Return what `guard.permits` would grant, its first refusal, and the entries to write."""
    answers, records = guard._decide_requests(asks, at=at)
    granted = [one for one in answers if isinstance(one, Permit)]
    return granted, next((one for one in answers if isinstance(one, AccessRefused)), None), records
