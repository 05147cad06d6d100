"""
Google asked to tell of news: Gmail through a topic of Pub/Sub, Calendar by calling us.

https://developers.google.com/workspace/gmail/api/guides/push,
https://developers.google.com/workspace/calendar/api/guides/push
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from integrations.providers import errors, storable_values, unexpected_responses
from integrations.providers.access import Access
from integrations.providers.mail import provider_id
from integrations.providers.push import Hook, Opened

from .discovery import Calendar, Gmail, calendar, gmail, root_of
from .http import call, write

ME: Final = "me"


@dataclass(frozen=True, slots=True)
class GmailWatch:
    """One mailbox's watch. Holds no connection and no token of its own."""

    access: Access
    api: Gmail

    @unexpected_responses.is_unexpected
    def address(self) -> str:
        answer = call(self.api.users.getProfile(userId=ME), self.access)
        return storable_values.text(answer.get("emailAddress"))

    @unexpected_responses.is_unexpected
    def start(self, topic: str) -> datetime:
        try:
            return self._start(topic)
        except errors.ProviderError as error:
            # "Only one user push notification client allowed": there is one with another topic, or
            # that Gmail takes for another. It has no code of its own.
            if error.status != HTTPStatus.BAD_REQUEST or error.reason != "invalidArgument":
                raise
        self.stop()
        return self._start(topic)

    def _start(self, topic: str) -> datetime:
        request = self.api.users.watch(userId=ME, body={"topicName": topic})
        refused = False
        try:
            answer = call(request, self.access)
        except errors.Unexpected as error:
            refused = error.status == HTTPStatus.FORBIDDEN and error.reason == "forbidden"
            if not refused:
                raise
        if refused:
            # Gmail tries the topic before it answers.
            raise errors.InvalidClient(
                "Gmail may not publish to the topic",
                status=HTTPStatus.FORBIDDEN,
                reason="topicForbidden",
            )
        return _moment(answer)

    def stop(self) -> None:
        write(self.api.users.stop(userId=ME), self.access)


@dataclass(frozen=True, slots=True)
class GoogleCalendarWatch:
    """Channels of one account. Holds no connection and no token of its own."""

    access: Access
    api: Calendar

    @unexpected_responses.is_unexpected
    def open_list(self, hook: Hook) -> Opened:
        return _opened(write(self.api.lists.watch(body=_body(hook)), self.access))

    @unexpected_responses.is_unexpected
    def open_calendar(self, calendar_id: str, hook: Hook) -> Opened:
        request = self.api.events.watch(calendarId=calendar_id, body=_body(hook))
        return _opened(write(request, self.access))

    def stop(self, channel_id: str, resource_id: str) -> bool:
        request = self.api.channels.stop(body={"id": channel_id, "resourceId": resource_id})
        try:
            write(request, self.access)
        except errors.Gone:
            # It lapsed, or an earlier try came through.
            return False
        return True


def _body(hook: Hook) -> dict[str, str]:
    return {
        "id": hook.channel_id,
        "type": "web_hook",
        "address": hook.address,
        "token": hook.token,
        "expiration": str(int(hook.ends_at.timestamp() * 1000)),
    }


def _opened(answer: Mapping[str, Any]) -> Opened:
    return Opened(ends_at=_moment(answer), resource_id=provider_id(answer["resourceId"]))


def _moment(answer: Mapping[str, Any]) -> datetime:
    # Milliseconds since the epoch, as text.
    return datetime.fromtimestamp(int(answer["expiration"]) / 1000, tz=UTC)


@contextmanager
def watch_mail(access: Access) -> Iterator[GmailWatch]:
    """Hold what starts and stops the watch of the mailbox that `access` is for."""
    here = replace(access, root_url=root_of(access.root_url))
    yield GmailWatch(here, gmail(here.root_url))


@contextmanager
def watch_calendars(access: Access) -> Iterator[GoogleCalendarWatch]:
    """Hold what opens and stops channels of the account that `access` is for."""
    here = replace(access, root_url=root_of(access.root_url, "calendar"))
    yield GoogleCalendarWatch(here, calendar(here.root_url))
