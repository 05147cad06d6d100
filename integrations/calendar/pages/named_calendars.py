"""
Calendars with names and counts, for pages that confirm a removal.

A name is shown if its key can be used now and the policy allows it; a removal needs no key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpRequest

from integrations.access.request_context import RequestContext
from integrations.calendar import calendar_list
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.web import row_counts
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import calendar_sink
from limited_use.sinks.calendar_sink import AccountRows, SealedRow, TemplateItem
from limited_use.sinks.sealed_rows import Permits
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable


@dataclass(frozen=True, slots=True)
class _Counts:
    """By calendar id."""

    events: Mapping[UUID, int]
    shares: Mapping[UUID, int]


def render_calendars(  # noqa: PLR0913 - a template and its values
    request: HttpRequest,
    request_context: RequestContext,
    calendars: Sequence[VisibleCalendar],
    template: str,
    *,
    context: Mapping[str, Any],
    nameable: Collection[VisibleCalendar],
    accounts: AccountRows | None = None,
) -> bytes:
    """
    :param nameable: the calendars with names that may be opened
    :param accounts: shown without addresses if their key cannot be used now
    """
    unnamed = [SealedRow(visible) for visible in calendars if visible not in nameable]
    counts = _Counts(
        row_counts.count_events([row.calendar for row in calendars]),
        row_counts.count_shares([row.calendar for row in calendars], at=request_context.at),
    )

    def render_rows(
        rows: Sequence[SealedRow], permits: Permits, accounts: AccountRows | None
    ) -> bytes:
        return calendar_sink.calendar_page(
            template,
            rows,
            permits=permits,
            viewer=request_context.actor,
            make=partial(_show_calendars, counts=counts),
            context=context,
            under="calendars",
            request=request,
            at=request_context.at,
            accounts=accounts,
        )

    try:
        named, permits = calendar_list.get_name_rows(
            request_context, [visible for visible in calendars if visible in nameable]
        )
        return render_rows([*named, *unnamed], permits, accounts)
    except (KeyStoreUnavailable, Unopenable, AccessRefused):
        return render_rows(
            [SealedRow(visible) for visible in calendars],
            {},
            accounts.without_addresses() if accounts else None,
        )


def _show_calendars(opened: calendar_sink.OpenedRows, *, counts: _Counts) -> list[TemplateItem]:
    """Called inside the sink."""
    return [_show_calendar(visible, values, counts) for visible, values in opened]


def _show_calendar(
    visible: VisibleCalendar, values: Mapping[str, bytes], counts: _Counts
) -> TemplateItem:
    calendar = visible.calendar
    clear = {
        "id": calendar.id,
        "account_id": calendar.integration_id,
        "is_local": calendar.is_local,
        "is_named": "about" in values,
        "event_count": counts.events.get(calendar.id, 0),
        "share_count": counts.shares.get(calendar.id, 0),
    }
    name = orjson.loads(values["about"])["name"] if "about" in values else ""
    return TemplateItem(clear, {"name": name})
