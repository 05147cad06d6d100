"""Watches in memory: who is to be told of what, and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.push import Hook, Opened
from tests.fakes.mail import FakeMailbox

WEEK = timedelta(days=7)


@dataclass(slots=True)
class FakeWatches:
    """What is watched at the provider. `calls` are the verbs that it was asked, in order."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    topic: str = ""
    channels: dict[str, tuple[Hook, str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refusals: list[errors.ProviderError] = field(default_factory=list)
    # Raised once by the call of that verb, whenever it comes.
    refused_once: dict[str, errors.ProviderError] = field(default_factory=dict)
    # The next write reaches the provider, and its answer is lost.
    loses_answer: bool = False
    used: set[str] = field(default_factory=set)
    # What happens elsewhere while the provider is asked.
    meanwhile: Callable[[], object] | None = None
    # The same, between a channel's opening and the answer.
    after_opening: Callable[[], object] | None = None

    def called(self, verb: str) -> None:
        self.calls.append(verb)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.refusals:
            raise self.refusals.pop(0)
        if verb in self.refused_once:
            raise self.refused_once.pop(verb)

    def answer(self) -> None:
        if self.loses_answer:
            self.loses_answer = False
            raise errors.OutcomeUnknown("no answer")


@dataclass(slots=True)
class FakeSubscriptions:
    """One of each thing stands in `channels`, by the provider's id of it."""

    watches: FakeWatches

    def open_mailbox(self, hook: Hook) -> Opened:
        return self._open("mailbox", hook)

    def open_calendar(self, calendar_id: str, hook: Hook) -> Opened:
        return self._open(calendar_id, hook)

    def renew(self, resource_id: str, *, ends_at: datetime) -> datetime:
        self.watches.called(f"renew {resource_id}")
        if resource_id not in self.watches.channels:
            raise errors.Gone("no such subscription", status=404)
        return ends_at

    def stop(self, resource_id: str) -> bool:
        self.watches.called(f"stop {resource_id}")
        return self.watches.channels.pop(resource_id, None) is not None

    def _open(self, resource: str, hook: Hook) -> Opened:
        self.watches.called(f"open {resource}")
        channels = self.watches.channels
        for name in [name for name, held in channels.items() if held[1] == resource]:
            del channels[name]
        self.watches.used.add(hook.channel_id)
        name = f"subscription-{len(self.watches.used)}"
        channels[name] = (hook, resource)
        if self.watches.after_opening is not None:
            self.watches.after_opening()
        self.watches.answer()
        return Opened(hook.ends_at, name)


@dataclass(slots=True)
class FakeMailWatch:
    watches: FakeWatches
    mailbox: FakeMailbox

    def address(self) -> str:
        return self.mailbox.email

    def start(self, topic: str) -> datetime:
        self.watches.called("watch")
        self.watches.topic = topic
        return self.watches.now + WEEK

    def stop(self) -> None:
        self.watches.called("stop")
        self.watches.topic = ""


@dataclass(slots=True)
class FakeCalendarWatch:
    watches: FakeWatches

    def open_list(self, hook: Hook) -> Opened:
        return self._open("list", hook)

    def open_calendar(self, calendar_id: str, hook: Hook) -> Opened:
        return self._open(calendar_id, hook)

    def stop(self, channel_id: str, resource_id: str) -> bool:
        self.watches.called(f"stop {channel_id}")
        held = self.watches.channels.get(channel_id)
        if held is None or held[1] != resource_id:
            return False
        del self.watches.channels[channel_id]
        return True

    def _open(self, resource: str, hook: Hook) -> Opened:
        self.watches.called(f"open {resource}")
        if hook.channel_id in self.watches.used:
            raise errors.AlreadyThere("not unique", status=400)
        self.watches.used.add(hook.channel_id)
        self.watches.channels[hook.channel_id] = (hook, f"resource-{resource}")
        if self.watches.after_opening is not None:
            self.watches.after_opening()
        self.watches.answer()
        return Opened(min(hook.ends_at, self.watches.now + WEEK), f"resource-{resource}")


def mail_opened(watches: FakeWatches, mailbox: FakeMailbox):
    @contextmanager
    def opened(access: Access) -> Iterator[FakeMailWatch]:
        access.token()
        yield FakeMailWatch(watches, mailbox)

    return opened


def calendars_opened(watches: FakeWatches):
    @contextmanager
    def opened(access: Access) -> Iterator[FakeCalendarWatch]:
        access.token()
        yield FakeCalendarWatch(watches)

    return opened


def subscriptions_opened(watches: FakeWatches):
    @contextmanager
    def opened(access: Access) -> Iterator[FakeSubscriptions]:
        access.token()
        yield FakeSubscriptions(watches)

    return opened
