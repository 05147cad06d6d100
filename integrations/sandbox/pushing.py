"""
Notifications, really sent: signed, and on demand late, twice, out of order or never.

What is to be sent stands in a queue; one task sends what is due. An answer other
than a success is tried again, further apart each time, as Google does.
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

    from integrations.sandbox.calendars.store import Calendar, CalendarList
    from integrations.sandbox.channels import Channel, Subscription
    from integrations.sandbox.people import Person
    from integrations.sandbox.world import World

# https://cloud.google.com/pubsub/docs/push: these acknowledge; so for channels, but for 102.
SUCCESS = frozenset({102, 200, 201, 202, 204})
TIMEOUT_SECONDS = 10.0
TRIES = 5
FIRST_RETRY_SECONDS = 0.5
KEPT = 10_000


@dataclass
class Delivery:
    """One notification on its way. `due` is in the machine's time, not the sandbox's."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    about: str
    due: float
    proof: str
    tries: int = 0


@dataclass
class Sent:
    about: str
    url: str
    status: int
    tries: int
    at: float
    # By what it proved who it is from: a signed token, or what the channel or subscription says.
    proof: str = ""


@dataclass
class Pushes:
    world: World
    queue: list[Delivery] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    under_way: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    _messages: int = 0

    # What happens.

    def synchronise(self, channel: Channel) -> None:
        """The first message of a channel; it may overtake the answer to the watch."""
        self._hook(channel, "sync")

    def calendar_changed(self, calendar: Calendar) -> None:
        self._resource_changed(f"calendars/{calendar.id}/events")

    def list_changed(self, owner: str, _: CalendarList) -> None:
        self._resource_changed(f"users/{owner}/calendarList")

    def _resource_changed(self, resource: str) -> None:
        now = self.world.clock.now()
        for channel in self.world.channels.values():
            if channel.resource == resource and channel.until > now:
                self._hook(channel, "exists")

    def mailbox_changed(self, person: Person) -> None:
        box = person.mailbox
        watch = box.watch if box else None
        if box is None or watch is None or float(str(watch["until"])) <= self.world.clock.now():
            return
        data = {"emailAddress": person.email, "historyId": box.history_id}
        for subscription in self.world.subscriptions.values():
            if subscription.topic == watch["topic"]:
                self.publish(subscription, data)

    # What is sent.

    def _hook(self, channel: Channel, state: str) -> None:
        # Increasing, with gaps; the first is 1.
        channel.number += 1 if state == "sync" else self._random.randint(1, 7)
        until = datetime.fromtimestamp(channel.until, tz=UTC)
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

    def publish(self, subscription: Subscription, data: Mapping[str, Any]) -> None:
        """One message of Pub/Sub, as push delivers it."""
        self._messages += 1
        now = datetime.fromtimestamp(self.world.clock.now(), tz=UTC)
        number, at = str(10**15 + self._messages), times.stamp(now)
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
        flaw, token = self.world.dials.push_flaw, ""
        if flaw != "missing":
            token = self._token(subscription, flaw)
            headers["Authorization"] = f"Bearer {token}"
        about = f"pubsub {data.get('emailAddress', '')}"
        self._enqueue(subscription.endpoint, headers, orjson.dumps(body), about, proof=token)

    def _token(self, subscription: Subscription, flaw: str) -> str:
        now = int(self.world.clock.now())
        claims = {
            # Google's own, as in an id_token: the sandbox is nobody else's.
            "iss": self.world.issuer,
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
        return self.world.keys.sign(claims | changes.get(flaw, {}), flaw=flaw)

    def post(self, url: str, body: bytes, about: str, *, proof: str) -> None:
        """JSON to an address of a client's, as Graph notifies; `proof` stands in it."""
        self._enqueue(url, {"Content-Type": "application/json"}, body, about, proof=proof)

    def _enqueue(
        self, url: str, headers: Mapping[str, str], body: bytes, about: str, *, proof: str
    ) -> None:
        dials = self.world.dials
        if self._random.random() < dials.push_loss:
            return
        copies = 2 if self._random.random() < dials.push_duplicates else 1
        now = _now()
        for _ in range(copies):
            late = dials.push_delay_seconds + self._random.random() * dials.push_disorder_seconds
            self._put(Delivery(url, headers, body, about, now + late, proof))

    def _put(self, one: Delivery) -> None:
        self.queue.append(one)
        self.world.queued.set()

    # The sending.

    def idle_for(self) -> float | None:
        """Return the seconds until the next is due, or None while none waits."""
        return min((max(0.0, one.due - _now()) for one in self.queue), default=None)

    async def send_due(self, session: aiohttp.ClientSession) -> None:
        """Begin what is due now; none waits for another."""
        now = _now()
        due = [one for one in self.queue if one.due <= now]
        if not due:
            return
        self.queue = [one for one in self.queue if one.due > now]
        for one in due:
            self.under_way += 1
            task = asyncio.ensure_future(self._send(session, one))
            _RUNNING.add(task)
            task.add_done_callback(_RUNNING.discard)

    async def _send(self, session: aiohttp.ClientSession, one: Delivery) -> None:
        one.tries += 1
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        status = 0
        try:
            async with session.post(
                one.url, data=one.body, headers=one.headers, timeout=timeout, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            status = 0
        finally:
            self.under_way -= 1
        sent = Sent(one.about, one.url, status, one.tries, _now(), one.proof)
        self.sent = [*self.sent[-KEPT:], sent]
        is_worth_it = one.url.startswith("http") and (status == 0 or status >= 500)  # noqa: PLR2004
        wants_more = is_worth_it or (
            one.about.startswith(("pubsub", "graph")) and status not in SUCCESS
        )
        if wants_more and one.tries < TRIES:
            one.due = _now() + FIRST_RETRY_SECONDS * 2 ** (one.tries - 1)
            self._put(one)


_RUNNING: set[asyncio.Future[None]] = set()


def _now() -> float:
    return asyncio.get_event_loop().time()


async def forever(world: World) -> None:
    """Send until cancelled. The queue is looked up each time: a reset makes a new one."""
    async with aiohttp.ClientSession() as session:
        while True:
            world.queued.clear()
            await world.pushes.send_due(session)
            with suppress(TimeoutError):
                await asyncio.wait_for(world.queued.wait(), world.pushes.idle_for())
