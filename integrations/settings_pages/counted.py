"""
Accounts and calendars with the number of what Antares keeps of them, for pages that end them.

A calendar is named where its key opens now and the policy allows it. Where that is not so, the page
shows its numbers alone: ending something needs no key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Count
from django.http import HttpRequest

from integrations.asking import Asked
from integrations.calendars import catalogue
from integrations.calendars.visible import Visible
from integrations.models import Event, Integration, Thread
from integrations.providers import PROVIDERS
from integrations.settings_pages import overview
from limited_use import shares
from limited_use.guard import Refused
from limited_use.sinks import agenda
from limited_use.sinks.agenda import Row, Shown
from limited_use.sinks.rows import Permits
from limited_use.vault.keyring import KeyStoreUnavailable
from limited_use.vault.records import Unopenable


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
    Return `template` with the calendars and their numbers of events, as `calendars`.

    :param nameable: those of `calendars` whose names may be asked for
    """
    unnamed = [Row(one) for one in calendars if one not in nameable]
    make = partial(_show_calendars, counts=count_events(calendars))

    def render(rows: Sequence[Row], permits: Permits) -> bytes:
        return agenda.calendar_page(
            template,
            rows,
            permits=permits,
            viewer=asked.actor,
            make=make,
            context=context,
            under="calendars",
            request=request,
            at=asked.at,
        )

    try:
        named, permits = catalogue.named(asked, [one for one in calendars if one in nameable])
        return render([*named, *unnamed], permits)
    except (KeyStoreUnavailable, Unopenable, Refused):
        return render([Row(one) for one in calendars], {})


def describe_account(integration: Integration) -> dict[str, Any]:
    product = "Calendar" if integration.product == "calendar" else integration.product
    return {
        "id": integration.id,
        "title": f"{PROVIDERS[integration.connection.provider].label} {product}",
        "connected_at": integration.connection.connected_at,
        "has_address": False,
        "message_count": 0,
        "thread_count": 0,
    }


def count_mail(
    integrations: Iterable[Integration],
) -> tuple[Mapping[UUID, int], Mapping[UUID, int]]:
    """Return how many messages and how many conversations are kept, by integration."""
    ids = [integration.id for integration in integrations]
    threads = Thread.objects.filter(integration_id__in=ids).values_list("integration_id")
    return overview.message_counts(ids), dict(threads.annotate(Count("id")))


def count_events(calendars: Iterable[Visible]) -> Mapping[UUID, int]:
    """Return how many events are kept, by calendar."""
    ids = [one.calendar.id for one in calendars]
    rows = Event.objects.filter(calendar_id__in=ids).values_list("calendar_id")
    return dict(rows.annotate(Count("id")))


def count_shares(calendars: Iterable[Visible], asked: Asked) -> int:
    """Return how many live shares there are of the calendars."""
    ids = [one.calendar.id for one in calendars]
    return shares.live(asked.at).filter(item__in=ids).count()


def _show_calendars(opened: agenda.Opened, *, counts: Mapping[UUID, int]) -> list[Shown]:
    """Return each calendar as the page shows it. Called inside the sink."""
    return [_show_calendar(seen, values, counts) for seen, values in opened]


def _show_calendar(seen: Visible, values: Mapping[str, bytes], counts: Mapping[UUID, int]) -> Shown:
    calendar = seen.calendar
    clear = {
        "id": calendar.id,
        "account_id": calendar.integration_id,
        "is_local": calendar.is_local,
        "is_named": "about" in values,
        "event_count": counts.get(calendar.id, 0),
    }
    name = orjson.loads(values["about"])["name"] if "about" in values else ""
    return Shown(clear, {"name": name})
