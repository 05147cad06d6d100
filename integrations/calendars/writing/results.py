"""What became of a write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

#: Which occurrences of a series: one, one and all that follow, or all.
Scope = Literal["this", "following", "all"]


@dataclass(frozen=True, slots=True)
class Written:
    """
    Where it is now.

    :param id: as `single.event_id` reads it; None: it was written, and lies outside of the window
        that a copy keeps, so that it is not shown here
    :param reset: how many occurrences that had been changed singly are as the series says again
    :param has_new_link: whether what follows meets online somewhere else than its series did
    """

    calendar_id: UUID
    id: str | None
    reset: int = 0
    has_new_link: bool = False
