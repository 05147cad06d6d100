"""
Part of `graph`: the first sync of a mailbox at Microsoft, beside Gmail's, and against loops that
one would write first.

The loops list the same columns, ask for the properties and the MIME of each message, one at a time,
parse the MIME with the same parser, and write plain rows by `bulk_create`, 500 at a time: one
through msgraph-sdk's typed models, one through `httpx` alone. Gmail's mailbox is made of the same
number.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
from django.utils import timezone
from msgraph import GraphServiceClient

from accounts.ids import uuid7
from accounts.models import User
from integrations.formats.mime import rfc5322
from tests.bench import connecting, figures, graph_library, measure, sizes, syncing
from tests.bench.figures import Figure
from tests.bench.models import PlainBody, PlainMessage
from tests.bench.syncing import SyncFigures
from tests.factories import make_organisation, make_user
from tests.worlds.sandbox import Sandbox

RUNS = sizes.choose_size(2, tiny=1)
Rows = list[tuple[PlainMessage, PlainBody]]


def measure_syncs(
    sandbox: Sandbox,
    *,
    count: int,
    plain: httpx.Client,
    typed: GraphServiceClient,
    runner: asyncio.Runner,
) -> list[Figure]:
    """
    Return what it takes to bring in `OUTLOOK` and `EMAIL` of `connecting`, which are seeded.

    :param count: of messages in each, those in junk and deleted included
    """
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    ways: dict[str, Callable[[], SyncFigures]] = {
        "ours": lambda: syncing.measure_first_sync(
            connecting.outlook_of(sandbox, alice, organisation)
        ),
        "gmail": lambda: syncing.measure_first_sync(
            connecting.mailbox_of(sandbox, alice, organisation)
        ),
        "typed": lambda: _run_plain_loop(lambda: runner.run(_read_models(typed, alice))),
        "plain": lambda: _run_plain_loop(lambda: _read_plain(plain, alice)),
    }
    # Makes the sandbox render every message once, of both.
    for name in ("plain", "gmail"):
        ways[name]()
    found = {name: [way() for _ in range(RUNS)] for name, way in ways.items()}
    _check_counts(found, sandbox.mailbox(connecting.EMAIL)["listedTotal"], count)
    return _build_figures(found, count)


def _run_plain_loop(read: Callable[[], Iterable[Rows]]) -> SyncFigures:
    PlainMessage.objects.all().delete()
    processor, clock = measure.processor_time(), time.perf_counter()
    for page in read():
        PlainMessage.objects.bulk_create([message for message, _ in page])
        PlainBody.objects.bulk_create([body for _, body in page])
    spent = measure.processor_time() - processor, time.perf_counter() - clock
    return SyncFigures(*spent, PlainMessage.objects.count(), 0)


async def _read_models(client: GraphServiceClient, user: User) -> list[Rows]:
    pages = []
    async for page in graph_library.list_id_pages(client):
        rows = []
        for one in page:
            there = client.me.messages.by_message_id(one)
            head = await there.get()
            content = bytes(await there.content.get() or b"")
            if head is None or head.received_date_time is None:
                raise AssertionError("a message has no head")
            at, is_read = head.received_date_time, bool(head.is_read)
            rows.append(_make_plain_rows(user, one, at, is_read=is_read, content=content))
        pages.append(rows)
    return pages


def _read_plain(client: httpx.Client, user: User) -> Iterator[Rows]:
    for page in graph_library.pages_by_httpx(client):
        rows = []
        for one in page:
            path = f"/me/messages/{quote(one, safe='')}"
            head = client.get(path).raise_for_status().json()
            content = client.get(f"{path}/$value").raise_for_status().content
            at = datetime.fromisoformat(head["receivedDateTime"])
            rows.append(_make_plain_rows(user, one, at, is_read=head["isRead"], content=content))
        yield rows


def _make_plain_rows(
    user: User, message_id: str, at: datetime, *, is_read: bool, content: bytes
) -> tuple[PlainMessage, PlainBody]:
    mail = rfc5322.parse_message(content)
    summary = {"subject": mail.subject, "from": [(one.name, one.address) for one in mail.from_]}
    message = PlainMessage(
        integration_id=uuid7(),
        thread_id=uuid7(),
        user_id=user.id,
        organisation_id=uuid7(),
        remote_id=message_id,
        received_at=at.astimezone(UTC),
        size=len(content),
        is_unread=not is_read,
        is_starred=False,
        has_attachments=bool(mail.attachments),
        folders=[],
        seen_round=1,
        synced_at=timezone.now(),
        # What a database keeps as text holds no NUL.
        summary=json.dumps(summary).replace("\\u0000", ""),
    )
    return message, PlainBody(message=message, content=(mail.text or mail.html).replace("\0", ""))


def _check_counts(found: dict[str, list[SyncFigures]], listed: int, count: int) -> None:
    """Ours leaves out junk and what is deleted, as Gmail's does; the loops read everything."""
    wanted = {"ours": listed, "gmail": listed, "typed": count, "plain": count}
    for name, runs in found.items():
        counts = {one.count for one in runs}
        if counts != {wanted[name]}:
            raise AssertionError(f"{name}: {counts} of {wanted[name]} messages")


def _build_figures(found: dict[str, list[SyncFigures]], count: int) -> list[Figure]:
    each = {name: measure.median(one.per_core for one in runs) for name, runs in found.items()}
    note = f"{count:,} messages; processor time, parsers included, median of {RUNS}"
    lines: tuple[tuple[str, str, str], ...] = (
        (
            "messages synced per second and core",
            "typed",
            "a loop through typed models, which seals none",
        ),
        ("… and by httpx alone", "plain", "a loop through httpx, which seals none"),
        ("… and Gmail's", "gmail", "the first sync of as much at Gmail, batched and in threads"),
    )
    more: dict[str, Any] = {"more_is_better": True, "note": note}
    return [
        figures.make_times_figure(
            name, each["ours"], "/s", baseline=each[other], against=against, **more
        )
        for name, other, against in lines
    ]
