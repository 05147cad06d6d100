"""
Sends notifications: signed, and on demand late, twice, out of order or never.

Failures are retried at growing intervals, as at Google.
"""

from __future__ import annotations

import asyncio
import base64
import random  # noqa: TID251 - the sandbox repeats its runs from a seed
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from integrations.sandbox.calendars import times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from integrations.sandbox.accounts import SandboxAccount
    from integrations.sandbox.calendars.store import AccountCalendars, SandboxCalendar
    from integrations.sandbox.channels import PubSubSubscription, WatchChannel
    from integrations.sandbox.state import SandboxState

# https://cloud.google.com/pubsub/docs/push: these acknowledge; for channels all but 102.
SUCCESS_STATUSES = frozenset({102, 200, 201, 202, 204})
TIMEOUT_SECONDS = 10.0
MAX_TRIES = 5
FIRST_RETRY_SECONDS = 0.5
MAX_SENT = 10_000


@dataclass
class PushDelivery:
    """`due` is in the machine's time."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    about: str
    due: float
    proof: str
    tries: int = 0


@dataclass
class SentPush:
    about: str
    url: str
    status: int
    tries: int
    at: float
    # A signed token, or the secret of the channel or subscription.
    proof: str = ""


@dataclass
class PushQueue:
    state: SandboxState
    queue: list[PushDelivery] = field(default_factory=list)
    sent: list[SentPush] = field(default_factory=list)
    sending_count: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    _message_count: int = 0

    # Changes that cause notifications.

    def send_sync_message(self, channel: WatchChannel) -> None:
        """May arrive before the answer to the watch."""
        self._enqueue_channel_message(channel, "sync")

    def notify_calendar_changed(self, calendar: SandboxCalendar) -> None:
        self._notify_resource_changed(f"calendars/{calendar.id}/events")

    def notify_list_changed(self, owner: str, _: AccountCalendars) -> None:
        self._notify_resource_changed(f"users/{owner}/calendarList")

    def _notify_resource_changed(self, resource: str) -> None:
        now = self.state.clock.now()
        for channel in self.state.channels.values():
            if channel.resource == resource and channel.expires_at > now:
                self._enqueue_channel_message(channel, "exists")

    def notify_mailbox_changed(self, account: SandboxAccount) -> None:
        mailbox = account.mailbox
        watch = mailbox.watch if mailbox else None
        if mailbox is None or watch is None or float(str(watch["until"])) <= self.state.clock.now():
            return
        data = {"emailAddress": account.email, "historyId": mailbox.history_id}
        for subscription in self.state.subscriptions.values():
            if subscription.topic == watch["topic"]:
                self.publish_message(subscription, data)

    # Messages.

    def _enqueue_channel_message(self, channel: WatchChannel, state: str) -> None:
        # Increasing, with gaps; the first is 1.
        channel.number += 1 if state == "sync" else self._random.randint(1, 7)
        until = datetime.fromtimestamp(channel.expires_at, tz=UTC)
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Expiration": format_datetime(until, usegmt=True),
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(channel.number),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-URI": channel.resource_uri,
            "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
        }
        if channel.token:
            headers["X-Goog-Channel-Token"] = channel.token
        about = f"channel {channel.id} {state}"
        self._enqueue(channel.address, headers, b"", about, proof=channel.token)

    def publish_message(self, subscription: PubSubSubscription, data: Mapping[str, Any]) -> None:
        self._message_count += 1
        now = datetime.fromtimestamp(self.state.clock.now(), tz=UTC)
        number, at = str(10**15 + self._message_count), times.format_timestamp(now)
        encoded = base64.b64encode(orjson.dumps(data)).decode()
        body = {
            "message": {
                "data": encoded,
                "messageId": number,
                "message_id": number,
                "publishTime": at,
                "publish_time": at,
            },
            "subscription": subscription.name,
        }
        headers = {"Content-Type": "application/json"}
        flaw, token = self.state.knobs.push_flaw, ""
        if flaw != "missing":
            token = self._make_token(subscription, flaw)
            headers["Authorization"] = f"Bearer {token}"
        about = f"pubsub {data.get('emailAddress', '')}"
        self._enqueue(subscription.endpoint, headers, orjson.dumps(body), about, proof=token)

    def _make_token(self, subscription: PubSubSubscription, flaw: str) -> str:
        now = int(self.state.clock.now())
        claims = {
            # Google's own, as in an id_token.
            "iss": self.state.issuer,
            "aud": subscription.audience,
            "azp": "100200300400500600700",
            "sub": "100200300400500600700",
            "email": subscription.account,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
        }
        changes: dict[str, dict[str, Any]] = {
            "iss": {"iss": "https://accounts.example.org"},
            "aud": {"aud": "https://elsewhere.example.org/push"},
            "email": {"email": "stranger@other-project.iam.gserviceaccount.com"},
            "unverified": {"email_verified": False},
            "expired": {"iat": now - 7200, "exp": now - 3600},
            "future_iat": {"iat": now + 900, "exp": now + 4500},
        }
        return self.state.keys.sign_claims(claims | changes.get(flaw, {}), flaw=flaw)

    def post_json(self, url: str, body: bytes, about: str, *, proof: str) -> None:
        """`proof` is a secret in the body."""
        self._enqueue(url, {"Content-Type": "application/json"}, body, about, proof=proof)

    def _enqueue(
        self, url: str, headers: Mapping[str, str], body: bytes, about: str, *, proof: str
    ) -> None:
        knobs = self.state.knobs
        if self._random.random() < knobs.push_loss:
            return
        copies = 2 if self._random.random() < knobs.push_duplicates else 1
        now = _get_loop_time()
        for _ in range(copies):
            delay = knobs.push_delay_seconds + self._random.random() * knobs.push_disorder_seconds
            self._add_delivery(PushDelivery(url, headers, body, about, now + delay, proof))

    def _add_delivery(self, delivery: PushDelivery) -> None:
        self.queue.append(delivery)
        self.state.delivery_queued.set()

    # Delivery.

    def get_idle_seconds(self) -> float | None:
        """Return None for an empty queue."""
        return min(
            (max(0.0, delivery.due - _get_loop_time()) for delivery in self.queue), default=None
        )

    async def send_due(self, session: aiohttp.ClientSession) -> None:
        """Without waiting for each other."""
        now = _get_loop_time()
        due = [delivery for delivery in self.queue if delivery.due <= now]
        if not due:
            return
        self.queue = [delivery for delivery in self.queue if delivery.due > now]
        for delivery in due:
            self.sending_count += 1
            task = asyncio.ensure_future(self._send_delivery(session, delivery))
            _RUNNING_TASKS.add(task)
            task.add_done_callback(_RUNNING_TASKS.discard)

    async def _send_delivery(self, session: aiohttp.ClientSession, delivery: PushDelivery) -> None:
        delivery.tries += 1
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        status = 0
        try:
            async with session.post(
                delivery.url,
                data=delivery.body,
                headers=delivery.headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            status = 0
        finally:
            self.sending_count -= 1
        sent = SentPush(
            delivery.about, delivery.url, status, delivery.tries, _get_loop_time(), delivery.proof
        )
        self.sent = [*self.sent[-MAX_SENT:], sent]
        is_worth_it = delivery.url.startswith("http") and (status == 0 or status >= 500)  # noqa: PLR2004
        wants_more = is_worth_it or (
            delivery.about.startswith(("pubsub", "graph")) and status not in SUCCESS_STATUSES
        )
        if wants_more and delivery.tries < MAX_TRIES:
            delivery.due = _get_loop_time() + FIRST_RETRY_SECONDS * 2 ** (delivery.tries - 1)
            self._add_delivery(delivery)


_RUNNING_TASKS: set[asyncio.Future[None]] = set()


def _get_loop_time() -> float:
    return asyncio.get_event_loop().time()


async def send_forever(state: SandboxState) -> None:
    """Looks up the queue each time, because a reset replaces it."""
    async with aiohttp.ClientSession() as session:
        while True:
            state.delivery_queued.clear()
            await state.pushes.send_due(session)
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    state.delivery_queued.wait(), state.pushes.get_idle_seconds()
                )
