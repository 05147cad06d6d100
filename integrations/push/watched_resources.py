"""What a provider calls the thing that a channel is to be about, opened for it alone."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from integrations.access import calendar_permits
from integrations.models import Calendar, Watch
from limited_use.sinks import provider as own_provider
from limited_use.sinks.provider import Outlet

#: The account's list of its calendars, beside which each has a channel of its own.
THE_LIST: Final = ""
#: All of the account's mail.
THE_MAILBOX: Final = "mailbox"


def of_calendar(watch: Watch, to: Outlet, at: datetime) -> str | None:
    """
    Return the provider's id of the calendar that a watch is about; None if that is gone.

    :param to: of what will open the channel
    :raises limited_use.guard.guard.Refused: if integration, grant or consent is not live
    :raises limited_use.vault.envelope.Unopenable: if its copy has ended
    """
    if is_list(watch.resource):
        return THE_LIST
    calendar_id = UUID(hex=watch.resource)
    calendar = Calendar.objects.live().filter(id=calendar_id, cleared_at=None).first()
    if calendar is None or calendar.about is None:
        return None
    permits = calendar_permits.to_sync(
        integration_id=watch.integration_id, calendars=[calendar], at=at
    )
    permit = permits.remote[calendar.cache_id]
    about = own_provider.text(calendar.about, permit, to=to, at=at)
    return str(orjson.loads(about)["id"])


def of_mailbox(_watch: Watch, _to: Outlet, _at: datetime) -> str:
    """Return what the provider calls a mailbox: it is the account's only one."""
    return THE_MAILBOX


def is_list(resource: str) -> bool:
    """Return whether a watch is about which calendars there are: that is called by a word."""
    try:
        UUID(hex=resource)
    except ValueError:
        return True
    return False
