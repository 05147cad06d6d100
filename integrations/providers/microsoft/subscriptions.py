"""
Microsoft asked to call us about news of a mailbox or a calendar.

https://learn.microsoft.com/en-us/graph/outlook-change-notifications-overview. Of a calendar by its
own path: `/me/events` tells of the account's first calendar alone
(https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/51).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from integrations.formats import timezones
from integrations.providers import errors, unexpected_responses
from integrations.providers.access import Access
from integrations.providers.mail import provider_id
from integrations.providers.push import Hook, Opened

from .http import Request, call, root_of, segment, write
from .notifications import client_state

KINDS: Final = "created,updated,deleted"
MAX_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class GraphSubscriptions:
    """One account's subscriptions. Holds no connection and no token of its own."""

    access: Access

    @unexpected_responses.is_unexpected
    def open_mailbox(self, hook: Hook) -> Opened:
        return self._open("/me/messages", hook)

    @unexpected_responses.is_unexpected
    def open_calendar(self, calendar_id: str, hook: Hook) -> Opened:
        return self._open(f"/me/calendars/{calendar_id}/events", hook)

    @unexpected_responses.is_unexpected
    def renew(self, resource_id: str, *, ends_at: datetime) -> datetime:
        body = {"expirationDateTime": _written(ends_at)}
        request = Request(f"/subscriptions/{segment(resource_id)}", method="PATCH", body=body)
        return _read(write(request, self.access))

    def stop(self, resource_id: str) -> bool:
        try:
            write(Request(f"/subscriptions/{segment(resource_id)}", method="DELETE"), self.access)
        except errors.Gone:
            # It lapsed, or an earlier try came through.
            return False
        return True

    def _open(self, resource: str, hook: Hook) -> Opened:
        body = {
            "changeType": KINDS,
            "resource": resource,
            "notificationUrl": hook.address,
            # Of the subscription itself: it cannot be given later.
            "lifecycleNotificationUrl": hook.address,
            "expirationDateTime": _written(hook.ends_at),
            "clientState": client_state(hook),
        }
        request = Request("/subscriptions", method="POST", body=body)
        try:
            answer = write(request, self.access)
        except errors.ChangedMeanwhile:
            # There is one already, of whose answer we heard nothing, or of another connection of
            # the same account: that one finds itself gone when it is to be renewed.
            self._clear(resource, hook.address)
            answer = write(request, self.access)
        return Opened(ends_at=_read(answer), resource_id=provider_id(answer["id"]))

    def _clear(self, resource: str, address: str) -> None:
        request = Request("/subscriptions")
        for _ in range(MAX_PAGES):
            answer = call(request, self.access)
            for one in answer.get("value") or ():
                about = str(one.get("resource", "")).strip("/")
                # Ids differ in case, and no two of an account in that alone.
                is_same = about.lower() == resource.strip("/").lower()
                if is_same and one.get("notificationUrl") == address:
                    self.stop(str(one["id"]))
            link = answer.get("@odata.nextLink")
            if not link:
                return
            request = Request(str(link))


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _read(answer: dict[str, Any]) -> datetime:
    clock = timezones.read_clock(str(answer["expirationDateTime"]).removesuffix("Z"))
    return clock.replace(tzinfo=UTC)


@contextmanager
def subscriptions(access: Access) -> Iterator[GraphSubscriptions]:
    """Hold what opens, renews and ends subscriptions of the account that `access` is for."""
    yield GraphSubscriptions(replace(access, root_url=root_of(access.root_url)))
