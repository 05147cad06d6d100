"""The provider's ids of watched resources, opened for the provider alone."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from integrations.access import calendar_permits
from integrations.models import Calendar, Watch
from limited_use.sinks import provider_sink as own_provider
from limited_use.sinks.provider_sink import ProviderOutlet

#: The account's list of calendars; each calendar has its own channel as well.
CALENDAR_LIST: Final = ""
#: All mail of the account.
MAILBOX: Final = "mailbox"


def get_calendar_target(watch: Watch, to: ProviderOutlet, at: datetime) -> str | None:
    """
    Return None if the calendar no longer exists.

    :param to: outlet of the call that opens the channel
    :raises limited_use.guard.guard.AccessRefused: if integration, grant or consent is not live
    :raises limited_use.vault.envelope.Unopenable: if the calendar's cache has ended
    """
    if is_calendar_list(watch.resource):
        return CALENDAR_LIST
    calendar_id = UUID(hex=watch.resource)
    calendar = Calendar.objects.live().filter(id=calendar_id, cleared_at=None).first()
    if calendar is None or calendar.about is None:
        return None
    permits = calendar_permits.to_sync(
        integration_id=watch.integration_id, calendars=[calendar], at=at
    )
    permit = permits.remote[calendar.cache_id]
    about = own_provider.open_text(calendar.about, permit, to=to, at=at)
    return str(orjson.loads(about)["id"])


def get_mailbox_target(_watch: Watch, _to: ProviderOutlet, _at: datetime) -> str:
    return MAILBOX


def is_calendar_list(resource: str) -> bool:
    """The calendar list's resource is a word, not a UUID."""
    try:
        UUID(hex=resource)
    except ValueError:
        return True
    return False
