"""Providers that can be asked to tell of news, each with the verbs that move it along."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from integrations.providers import errors
from integrations.providers.google.watch import open_calendar_watch, open_mail_watch
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.push import CalendarWatch, MailWatch, WebhookChannel
from tests.factories import make_access
from tests.fakes.mail import FakeMailbox
from tests.fakes.pushes import FakeCalendarWatch, FakeMailWatch, FakeWatches
from tests.worlds.sandbox import GMAIL_READONLY, Sandbox

ALICE = "alice@example.com"
TOPIC = "projects/sandbox-project/topics/gmail"
CALENDARS = "https://www.googleapis.com/auth/calendar.readonly"
ADDRESS = "https://hooks.example/webhooks/google/channel"


def hook(channel_id: str = "one", **more) -> WebhookChannel:
    ends_at = datetime.now(UTC) + more.pop("lasts", timedelta(days=3))
    return WebhookChannel(
        channel_id, token=f"secret-{channel_id}", address=ADDRESS, ends_at=ends_at, **more
    )


class FakeWatchWorld:
    def __init__(self) -> None:
        self.watches = FakeWatches()
        self.mail: MailWatch = FakeMailWatch(self.watches, FakeMailbox(email=ALICE))
        self.calendars: CalendarWatch = FakeCalendarWatch(self.watches)
        self.calendar_id = ALICE

    @property
    def topic(self) -> str:
        """Where the mailbox's news goes now."""
        return self.watches.topic

    @property
    def channels(self) -> set[str]:
        return set(self.watches.channels)

    def refuse_topic(self) -> str:
        self.watches.refusals.append(errors.InvalidClient("no", status=403))
        return TOPIC

    def lose_answer(self) -> None:
        self.watches.loses_answer = True

    def expire_token(self) -> None:
        self.watches.refusals.append(errors.TokenRejected("expired", status=401))

    def without_scope(self) -> MailWatch:
        self.watches.refusals.append(errors.ScopeMissing("no scope", status=403))
        return self.mail

    def check(self) -> None:
        """Nothing of it can be out of order."""


class GoogleWatchWorld:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.seed(ALICE)
        sandbox.subscribe(TOPIC, "http://127.0.0.1:1/nobody")
        access = self._access(f"openid email {GMAIL_READONLY} {CALENDARS}")
        # The contexts hold nothing that would need closing.
        self.mail: MailWatch = open_mail_watch(access).__enter__()
        self.calendars: CalendarWatch = open_calendar_watch(access).__enter__()
        self.calendar_id = ALICE

    def _access(self, scope: str) -> ProviderAccess:
        token = self.sandbox.authorize(ALICE, scope)["access_token"]
        return make_access(token, self.sandbox.url)

    @property
    def topic(self) -> str:
        return str(self.sandbox.pushes()["topics"].get(ALICE, ""))

    @property
    def channels(self) -> set[str]:
        return {one["id"] for one in self.sandbox.pushes()["channels"]}

    def refuse_topic(self) -> str:
        return "projects/sandbox-project/topics/forbidden"

    def lose_answer(self) -> None:
        self.sandbox.fail_next(path_prefix="/calendar", drop="after")

    def expire_token(self) -> None:
        self.sandbox.expire_access(ALICE)

    def without_scope(self) -> MailWatch:
        access = self._access("openid email https://www.googleapis.com/auth/gmail.labels")
        return open_mail_watch(access).__enter__()

    def check(self) -> None:
        assert self.sandbox.violations() == []
