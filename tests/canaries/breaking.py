"""Rows made such that nothing can read them, and put back as they were."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils import timezone

from tests.canaries.journey import Journey
from tests.smoke.person import SmokePerson


@dataclass
class Breaking:
    """:param mark: what stands in everything that is broken, to be searched for"""

    mark: str
    _were: list[tuple[Any, Any, str, Any]] = field(default_factory=list)

    def seal(self, model: Any, row: Any, column: str, *, data: bytes = b"{not json ") -> None:
        """Seal something for that column that cannot be read, with a canary in it."""
        self.put(model, row, column, self.sealed(model, row, column, data=data))

    def sealed(self, model: Any, row: Any, column: str, *, data: bytes, holder: Any = None) -> Any:
        """
        Return what stands in a column after that.

        :param holder: whose key it is, where there is no such row yet
        """
        from limited_use.models import DataKey
        from limited_use.vault.sealing import get_sealer

        if holder is None:
            holder = getattr(model.objects.get(pk=row), model._meta.get_field(column).holder)
        key = DataKey.objects.get(holder=holder)
        poison = data + f"{self.mark}-broken{column}".encode()
        return get_sealer(holder=holder, epoch=key.epoch).seal_value(
            model, column, row=row, data=poison
        )

    def put(self, model: Any, row: Any, column: str, value: Any) -> None:
        """Write any value, for a while."""
        self._were.append((model, row, column, getattr(model.objects.get(pk=row), column)))
        model.objects.filter(pk=row).update(**{column: value})

    def mend(self) -> None:
        """Put everything back, the first as it was first."""
        while self._were:
            model, row, column, was = self._were.pop()
            model.objects.filter(pk=row).update(**{column: was})


@dataclass
class CanaryAccount:
    """A person's mail and calendars at one provider, whose rows are broken for a while."""

    journey: Journey
    name: str
    provider: str

    @cached_property
    def breaking(self) -> Breaking:
        return Breaking(self.journey.marks.of(self.name))

    @property
    def person(self) -> SmokePerson:
        return self.journey.cast[self.name]

    def integration(self, product: str) -> UUID:
        of = {"product": product, "provider": self.provider}
        return UUID(self.journey.integration(self.name, **of)["id"])

    @cached_property
    def mail(self) -> UUID:
        return self.integration("mail")

    @cached_property
    def calendar(self) -> UUID:
        return self.integration("calendar")

    @cached_property
    def message(self) -> Any:
        """One that has files."""
        from integrations.models import Message

        found = Message.objects.filter(integration_id=self.mail, has_attachments=True)
        return found.order_by("-received_at")[0]

    def fail_in_pages(self) -> None:
        """What its owner asks for: by page and API, of mail and of calendars."""
        from integrations.models import Attachment, Event, EventKind, Message, MessageBody

        get, message = self.person.browser.get, self.message
        self.breaking.seal(MessageBody, message.id, "shown")
        get(f"/inbox/messages/{message.id}/body/")
        self.breaking.seal(Message, message.id, "summary")
        attachment = Attachment.objects.filter(message_id=message.id)[0]
        api = f"/v1/users/me/messages/{message.id}"
        for place in (
            *(f"{api}/attachments/{attachment.id}", "/v1/users/me/messages", api),
            *(f"/v1/users/me/threads/{message.thread_id}", "/inbox/"),
            f"/inbox/threads/{message.thread_id}/",
        ):
            get(place)
        event = Event.objects.filter(integration_id=self.calendar, kind=EventKind.SINGLE)[0]
        self.breaking.seal(Event, event.id, "content")
        get(f"/v1/users/me/events/{event.id}")
        get("/calendar/?view=agenda")
        get(f"/calendar/events/{event.id}/description/")

    def ask_again(self) -> UUID:
        """Set something aside whose id cannot be read, and want it again; return the row's id."""
        from accounts.ids import uuid7
        from integrations.models import SetAside

        row, at = uuid7(), timezone.now()
        SetAside.objects.create(
            id=row,
            integration_id=self.mail,
            remote_blind=secrets.token_bytes(32),
            remote_id=self.breaking.sealed(
                SetAside, row, "remote_id", data=b"\xff", holder=self.mail
            ),
            reason="unreadable",
            first_seen_at=at,
            last_tried_at=at,
            try_count=0,
        )
        return row

    def compare(self) -> None:
        """Make a comparison due that finds one more than is listed, and asks about it."""
        from integrations.models import Message, SyncWork

        self.breaking.put(Message, self.message.id, "remote_blind", secrets.token_bytes(32))
        SyncWork.objects.filter(integration_id=self.mail).update(reconcile_at=timezone.now())

    def break_cursors(self) -> None:
        """Where the changes of mail go on, and what calendars are called."""
        from integrations.models import Calendar, SyncWork

        work = SyncWork.objects.get(integration_id=self.mail)
        self.breaking.seal(SyncWork, work.id, "cursor", data=b"\xff")
        for one in Calendar.objects.live().filter(integration_id=self.calendar, cleared_at=None):
            self.breaking.seal(Calendar, one.id, "about", data=b"\xff")

    def break_grant(self) -> None:
        from integrations.models import Connection, Integration

        connection = Integration.objects.get(id=self.mail).connection
        self.breaking.seal(Connection, connection.id, "refresh_token", data=b"\xff")
        Connection.objects.filter(id=connection.id).update(access_expires_at=timezone.now())
