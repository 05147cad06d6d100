"""Everything that the sandbox remembers. In memory; gone with the process."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from integrations.sandbox.calendars.store import Calendar
from integrations.sandbox.channels import Channel, Subscription
from integrations.sandbox.clock import Clock
from integrations.sandbox.dials import Dials
from integrations.sandbox.faults import Faults
from integrations.sandbox.google.grants import Grants
from integrations.sandbox.google.quota import Meter
from integrations.sandbox.journal import Journal
from integrations.sandbox.keys import SigningKeys
from integrations.sandbox.mail.rendering import Gallery
from integrations.sandbox.microsoft.state import Microsoft
from integrations.sandbox.people import Client, People, Person
from integrations.sandbox.pushing import Pushes

if TYPE_CHECKING:
    from integrations.sandbox.google.consent import Pending
    from integrations.sandbox.validation import Validator


class World:
    """
    All that one sandbox knows.

    `issuer` is Google's in its tokens, `authority` Microsoft's, `graph` the address in Graph's
    links (empty: the address that the client called). Each is the sandbox's own URL by default.
    """

    def __init__(self, url: str, issuer: str = "", *, authority: str = "", graph: str = "") -> None:
        self.url = url
        self.issuer = issuer or url
        self.authority = authority or url
        self.graph = graph
        self.keys = SigningKeys()
        self._microsofts_keys = SigningKeys()
        self.validator: Validator | None = None
        # Set when a notification is to be sent: by whichever queue there is after a reset.
        self.queued = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """Forget everything but the address and the keys."""
        self.clock = Clock()
        self.dials = Dials()
        self.faults = Faults()
        self.journal = Journal()
        self.people: People[Person] = People()
        self.clients: dict[str, Client] = {}
        self.pending: dict[str, Pending] = {}
        self.bought: dict[str, tuple[str, str]] = {}
        self.grants = Grants(self.clock, self.dials)
        self.microsoft = Microsoft(self.clock, self.dials, self._microsofts_keys)
        self.meter = Meter(self.clock, self.dials)
        self.under_way: Counter[str] = Counter()
        self.galleries: dict[str, Gallery] = {}
        self.sent: Counter[tuple[str, int]] = Counter()
        self.calendars: dict[str, Calendar] = {}
        self.channels: dict[str, Channel] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.pushes = Pushes(self)
        # Conferences by the request that asked for them; calendars whose free/busy fails.
        self.conferences: dict[str, dict[str, Any]] = {}
        self.failing_freebusy: set[str] = set()
        if self.validator:
            self.validator.clear()

    def add_calendar(
        self,
        person: Person,
        calendar_id: str,
        *,
        summary: str,
        time_zone: str = "UTC",
        primary: bool = False,
    ) -> Calendar:
        """A calendar of that person's own, in their list."""
        made = Calendar(calendar_id, summary, person.email, self.clock, time_zone=time_zone)
        made.on_change = self.pushes.calendar_changed
        self.calendars[made.id] = made
        if person.calendars is not None:
            person.calendars.add(made, primary=primary)
        return made
