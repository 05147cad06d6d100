"""
Calendars with their names and numbers, for pages that ask before they end them.

A calendar is named where its key opens now and the policy allows it. Otherwise the page shows its
numbers alone: ending something needs no key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpRequest

from integrations.access.request_context import Asked
from integrations.calendar import calendar_list
from integrations.calendar.calendar_access import Visible
from integrations.web import row_counts
from limited_use.guard.guard import Refused
from limited_use.sinks import calendar
from limited_use.sinks.calendar import Row, Shown
from limited_use.sinks.rows import Permits
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.port import KeyStoreUnavailable


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many events and live shares each calendar has, by its id."""

    events: Mapping[UUID, int]
    shares: Mapping[UUID, int]


def render_calendars(  # noqa: PLR0913 - a template, what it shows, and what of it may be named
    request: HttpRequest,
    asked: Asked,
    calendars: Sequence[Visible],
    template: str,
    *,
    context: Mapping[str, Any],
    nameable: Collection[Visible],
) -> bytes:
    """
    Return `template` with the calendars and their numbers, as `calendars`.

    :param nameable: those of `calendars` whose names may be asked for
    """
    unnamed = [Row(one) for one in calendars if one not in nameable]
    counts = _Counts(
        row_counts.count_events([row.calendar for row in calendars]),
        row_counts.count_shares([row.calendar for row in calendars], at=asked.at),
    )

    def render(rows: Sequence[Row], permits: Permits) -> bytes:
        return calendar.calendar_page(
            template,
            rows,
            permits=permits,
            viewer=asked.actor,
            make=partial(_show_calendars, counts=counts),
            context=context,
            under="calendars",
            request=request,
            at=asked.at,
        )

    try:
        named, permits = calendar_list.named(asked, [one for one in calendars if one in nameable])
        return render([*named, *unnamed], permits)
    except (KeyStoreUnavailable, Unopenable, Refused):
        return render([Row(one) for one in calendars], {})


def _show_calendars(opened: calendar.Opened, *, counts: _Counts) -> list[Shown]:
    """Return each calendar as the page shows it. Called inside the sink."""
    return [_show_calendar(seen, values, counts) for seen, values in opened]


def _show_calendar(seen: Visible, values: Mapping[str, bytes], counts: _Counts) -> Shown:
    calendar = seen.calendar
    clear = {
        "id": calendar.id,
        "account_id": calendar.integration_id,
        "is_local": calendar.is_local,
        "is_named": "about" in values,
        "event_count": counts.events.get(calendar.id, 0),
        "share_count": counts.shares.get(calendar.id, 0),
    }
    name = orjson.loads(values["about"])["name"] if "about" in values else ""
    return Shown(clear, {"name": name})
