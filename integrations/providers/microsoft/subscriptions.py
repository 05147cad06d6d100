"""
Subscriptions to changes of a mailbox or calendar at Graph.

`/me/events` covers only the first calendar, so each calendar's path is used
(https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/51). Source:
https://learn.microsoft.com/en-us/graph/outlook-change-notifications-overview
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from integrations.formats import timezones
from integrations.providers import errors, unexpected_responses
from integrations.providers.mail import parse_provider_id
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.push import RemoteChannel, WebhookChannel

from .graph_http import (
    GraphApiRequest,
    get_root_url,
    quote_segment,
    send_graph_read,
    send_graph_write,
)
from .notifications import build_client_state

CHANGE_TYPES: Final = "created,updated,deleted"
MAX_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class GraphSubscriptions:
    access: ProviderAccess

    @unexpected_responses.raise_unexpected
    def subscribe_to_mailbox(self, channel: WebhookChannel) -> RemoteChannel:
        return self._create_subscription("/me/messages", channel)

    @unexpected_responses.raise_unexpected
    def subscribe_to_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        return self._create_subscription(f"/me/calendars/{calendar_id}/events", channel)

    @unexpected_responses.raise_unexpected
    def renew_subscription(self, resource_id: str, *, ends_at: datetime) -> datetime:
        body = {"expirationDateTime": _format_time(ends_at)}
        request = GraphApiRequest(
            f"/subscriptions/{quote_segment(resource_id)}", method="PATCH", body=body
        )
        return _read_expiration(send_graph_write(request, self.access))

    def stop_subscription(self, resource_id: str) -> bool:
        try:
            send_graph_write(
                GraphApiRequest(f"/subscriptions/{quote_segment(resource_id)}", method="DELETE"),
                self.access,
            )
        except errors.Gone:
            # The subscription lapsed, or an earlier attempt succeeded.
            return False
        return True

    def _create_subscription(self, resource: str, channel: WebhookChannel) -> RemoteChannel:
        body = {
            "changeType": CHANGE_TYPES,
            "resource": resource,
            "notificationUrl": channel.address,
            # Cannot be added later.
            "lifecycleNotificationUrl": channel.address,
            "expirationDateTime": _format_time(channel.ends_at),
            "clientState": build_client_state(channel),
        }
        request = GraphApiRequest("/subscriptions", method="POST", body=body)
        try:
            answer = send_graph_write(request, self.access)
        except errors.ChangedMeanwhile:
            # A subscription exists: its response was lost, or another connection of the same
            # account made it. That connection notices the deletion at its next renewal.
            self._delete_existing(resource, channel.address)
            answer = send_graph_write(request, self.access)
        return RemoteChannel(
            ends_at=_read_expiration(answer), resource_id=parse_provider_id(answer["id"])
        )

    def _delete_existing(self, resource: str, address: str) -> None:
        request = GraphApiRequest("/subscriptions")
        for _ in range(MAX_PAGES):
            answer = send_graph_read(request, self.access)
            for subscription in answer.get("value") or ():
                existing_resource = str(subscription.get("resource", "")).strip("/")
                # Ids may differ in case; no two of an account differ in case only.
                is_same = existing_resource.lower() == resource.strip("/").lower()
                if is_same and subscription.get("notificationUrl") == address:
                    self.stop_subscription(str(subscription["id"]))
            link = answer.get("@odata.nextLink")
            if not link:
                return
            request = GraphApiRequest(str(link))


def _format_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _read_expiration(answer: dict[str, Any]) -> datetime:
    clock = timezones.parse_local_time(str(answer["expirationDateTime"]).removesuffix("Z"))
    return clock.replace(tzinfo=UTC)


@contextmanager
def open_subscriptions(access: ProviderAccess) -> Iterator[GraphSubscriptions]:
    yield GraphSubscriptions(replace(access, root_url=get_root_url(access.root_url)))
