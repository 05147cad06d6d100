"""
Google's push notifications.

Sources: https://developers.google.com/workspace/gmail/api/guides/push,
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
from integrations.providers.mail import parse_provider_id
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.push import RemoteChannel, WebhookChannel

from .discovery import (
    CalendarService,
    GmailService,
    get_calendar_service,
    get_gmail_service,
    get_root_url,
)
from .google_http import send_google_read, send_google_write

ME: Final = "me"


@dataclass(frozen=True, slots=True)
class GmailWatch:
    access: ProviderAccess
    api: GmailService

    @unexpected_responses.raise_unexpected
    def get_address(self) -> str:
        answer = send_google_read(self.api.users.getProfile(userId=ME), self.access)
        return storable_values.clean_text(answer.get("emailAddress"))

    @unexpected_responses.raise_unexpected
    def start_watch(self, topic: str) -> datetime:
        try:
            return self._start_watch(topic)
        except errors.ProviderError as error:
            # "Only one user push notification client allowed": a watch with another topic exists.
            # The error has no code of its own.
            if error.status != HTTPStatus.BAD_REQUEST or error.reason != "invalidArgument":
                raise
        self.stop_watch()
        return self._start_watch(topic)

    def _start_watch(self, topic: str) -> datetime:
        request = self.api.users.watch(userId=ME, body={"topicName": topic})
        is_forbidden = False
        try:
            answer = send_google_read(request, self.access)
        except errors.Unexpected as error:
            is_forbidden = error.status == HTTPStatus.FORBIDDEN and error.reason == "forbidden"
            if not is_forbidden:
                raise
        if is_forbidden:
            # Gmail tests the topic before it answers.
            raise errors.InvalidClient(
                "Gmail may not publish to the topic",
                status=HTTPStatus.FORBIDDEN,
                reason="topicForbidden",
            )
        return _read_expiration(answer)

    def stop_watch(self) -> None:
        send_google_write(self.api.users.stop(userId=ME), self.access)


@dataclass(frozen=True, slots=True)
class GoogleCalendarWatch:
    access: ProviderAccess
    api: CalendarService

    @unexpected_responses.raise_unexpected
    def watch_calendar_list(self, channel: WebhookChannel) -> RemoteChannel:
        return _map_channel(
            send_google_write(self.api.calendar_list.watch(body=_build_body(channel)), self.access)
        )

    @unexpected_responses.raise_unexpected
    def watch_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        request = self.api.events.watch(calendarId=calendar_id, body=_build_body(channel))
        return _map_channel(send_google_write(request, self.access))

    def stop_channel(self, channel_id: str, resource_id: str) -> bool:
        request = self.api.channels.stop(body={"id": channel_id, "resourceId": resource_id})
        try:
            send_google_write(request, self.access)
        except errors.Gone:
            # The channel lapsed, or an earlier attempt succeeded.
            return False
        return True


def _build_body(channel: WebhookChannel) -> dict[str, str]:
    return {
        "id": channel.channel_id,
        "type": "web_hook",
        "address": channel.address,
        "token": channel.token,
        "expiration": str(int(channel.ends_at.timestamp() * 1000)),
    }


def _map_channel(answer: Mapping[str, Any]) -> RemoteChannel:
    return RemoteChannel(
        ends_at=_read_expiration(answer), resource_id=parse_provider_id(answer["resourceId"])
    )


def _read_expiration(answer: Mapping[str, Any]) -> datetime:
    # Milliseconds since the epoch, as text.
    return datetime.fromtimestamp(int(answer["expiration"]) / 1000, tz=UTC)


@contextmanager
def open_mail_watch(access: ProviderAccess) -> Iterator[GmailWatch]:
    rooted_access = replace(access, root_url=get_root_url(access.root_url))
    yield GmailWatch(rooted_access, get_gmail_service(rooted_access.root_url))


@contextmanager
def open_calendar_watch(access: ProviderAccess) -> Iterator[GoogleCalendarWatch]:
    rooted_access = replace(access, root_url=get_root_url(access.root_url, "calendar"))
    yield GoogleCalendarWatch(rooted_access, get_calendar_service(rooted_access.root_url))
