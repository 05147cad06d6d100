"""Which calendars a page offers to write in, by name. Called inside sinks only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from integrations.calendar.calendar_access import Visible


def named(
    found: Sequence[Visible],
    about: Sequence[Mapping[str, Any]],
    *,
    offered: Collection[UUID],
    chosen: UUID | None = None,
) -> list[Mapping[str, Any]]:
    """
    Return those that are offered, as a list to choose from.

    :param about: what each of `found` is, in the same order
    """
    return [
        {
            "id": one.calendar.id,
            "name": words.get("name") or "A calendar without a name",
            "is_chosen": one.calendar.id == chosen,
        }
        for one, words in zip(found, about, strict=True)
        if one.calendar.id in offered
    ]
