"""Push watches in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from integrations.providers import errors
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.push import RemoteChannel, WebhookChannel
from tests.fakes.mail import FakeMailbox

WEEK = timedelta(days=7)


@dataclass(slots=True)
class FakeWatches:
    """Watches at the provider. `calls` are the verbs of its calls, in order."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    topic: str = ""
    channels: dict[str, tuple[WebhookChannel, str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refusals: list[errors.ProviderError] = field(default_factory=list)
    # Raised once, by the next call of that verb.
    refused_once: dict[str, errors.ProviderError] = field(default_factory=dict)
    # The next write is applied, and its response is lost.
    loses_answer: bool = False
    used: set[str] = field(default_factory=set)
    # Called during each call.
    meanwhile: Callable[[], object] | None = None
    # Called between the opening of a channel and the response.
    after_opening: Callable[[], object] | None = None

    def record_call(self, verb: str) -> None:
        self.calls.append(verb)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.refusals:
            raise self.refusals.pop(0)
        if verb in self.refused_once:
            raise self.refused_once.pop(verb)

    def lose_answer(self) -> None:
        if self.loses_answer:
            self.loses_answer = False
            raise errors.OutcomeUnknown("no answer")


@dataclass(slots=True)
class FakeSubscriptions:
    """`channels` holds one subscription per resource, by the provider's id."""

    watches: FakeWatches

    def subscribe_to_mailbox(self, channel: WebhookChannel) -> RemoteChannel:
        return self._create_subscription("mailbox", channel)

    def subscribe_to_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        return self._create_subscription(calendar_id, channel)

    def renew_subscription(self, resource_id: str, *, ends_at: datetime) -> datetime:
        self.watches.record_call(f"renew {resource_id}")
        if resource_id not in self.watches.channels:
            raise errors.Gone("no such subscription", status=404)
        return ends_at

    def stop_subscription(self, resource_id: str) -> bool:
        self.watches.record_call(f"stop {resource_id}")
        return self.watches.channels.pop(resource_id, None) is not None

    def _create_subscription(self, resource: str, channel: WebhookChannel) -> RemoteChannel:
        self.watches.record_call(f"open {resource}")
        channels = self.watches.channels
        for name in [name for name, entry in channels.items() if entry[1] == resource]:
            del channels[name]
        self.watches.used.add(channel.channel_id)
        name = f"subscription-{len(self.watches.used)}"
        channels[name] = (channel, resource)
        if self.watches.after_opening is not None:
            self.watches.after_opening()
        self.watches.lose_answer()
        return RemoteChannel(channel.ends_at, name)


@dataclass(slots=True)
class FakeMailWatch:
    watches: FakeWatches
    mailbox: FakeMailbox

    def get_address(self) -> str:
        return self.mailbox.email

    def start_watch(self, topic: str) -> datetime:
        self.watches.record_call("watch")
        self.watches.topic = topic
        return self.watches.now + WEEK

    def stop_watch(self) -> None:
        self.watches.record_call("stop")
        self.watches.topic = ""


@dataclass(slots=True)
class FakeCalendarWatch:
    watches: FakeWatches

    def watch_calendar_list(self, channel: WebhookChannel) -> RemoteChannel:
        return self._open_channel("list", channel)

    def watch_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        return self._open_channel(calendar_id, channel)

    def stop_channel(self, channel_id: str, resource_id: str) -> bool:
        self.watches.record_call(f"stop {channel_id}")
        entry = self.watches.channels.get(channel_id)
        if entry is None or entry[1] != resource_id:
            return False
        del self.watches.channels[channel_id]
        return True

    def _open_channel(self, resource: str, channel: WebhookChannel) -> RemoteChannel:
        self.watches.record_call(f"open {resource}")
        if channel.channel_id in self.watches.used:
            raise errors.AlreadyThere("not unique", status=400)
        self.watches.used.add(channel.channel_id)
        self.watches.channels[channel.channel_id] = (channel, f"resource-{resource}")
        if self.watches.after_opening is not None:
            self.watches.after_opening()
        self.watches.lose_answer()
        return RemoteChannel(min(channel.ends_at, self.watches.now + WEEK), f"resource-{resource}")


def make_open_mail_watch(watches: FakeWatches, mailbox: FakeMailbox):
    @contextmanager
    def open_mail_watch(access: ProviderAccess) -> Iterator[FakeMailWatch]:
        access.token()
        yield FakeMailWatch(watches, mailbox)

    return open_mail_watch


def make_open_calendar_watch(watches: FakeWatches):
    @contextmanager
    def open_calendar_watch(access: ProviderAccess) -> Iterator[FakeCalendarWatch]:
        access.token()
        yield FakeCalendarWatch(watches)

    return open_calendar_watch


def make_open_subscriptions(watches: FakeWatches):
    @contextmanager
    def open_subscriptions(access: ProviderAccess) -> Iterator[FakeSubscriptions]:
        access.token()
        yield FakeSubscriptions(watches)

    return open_subscriptions
