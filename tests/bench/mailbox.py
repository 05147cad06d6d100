"""
Mailboxes of any size within seconds: really sealed rows, by COPY.

What they hold is made from a number, so that whoever opens one can tell that it is the right one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import Organisation, User
from integrations.formats.mime import safe_bodies, safe_text
from integrations.models import Attachment, Integration, Message, MessageBody
from limited_use.ledger import ledger_key_lifecycle
from limited_use.vault import sealing
from tests.factories import make_connection, make_integration

WORDS = [
    "about", "after", "again", "because", "before", "between", "brought", "castle", "contract",
    "delivery", "evening", "friday", "garden", "harbour", "invoice", "journey", "kitchen",
    "library", "meeting", "morning", "neighbour", "office", "picture", "quarter", "question",
    "receipt", "station", "summer", "thursday", "together", "tomorrow", "weather", "window",
]  # fmt: skip
DAYS = 365

_UUID, _TIME, _BYTES, _INT, _BOOL = "uuid", "timestamptz", "bytea", "int4", "bool"
THREAD = {
    "id": _UUID, "integration_id": _UUID, "user_id": _UUID, "organisation_id": _UUID,
    "remote_blind": _BYTES, "first_received_at": _TIME, "last_received_at": _TIME,
    "last_message_id": _UUID, "message_count": _INT, "unread_count": _INT,
    "has_attachments": _BOOL, "is_starred": _BOOL,
}  # fmt: skip
MESSAGE = {
    "id": _UUID, "integration_id": _UUID, "thread_id": _UUID, "user_id": _UUID,
    "organisation_id": _UUID, "remote_blind": _BYTES, "rfc822_blind": _BYTES,
    "received_at": _TIME, "size": _INT, "is_unread": _BOOL, "is_starred": _BOOL,
    "has_attachments": _BOOL, "folders": "varchar[]", "seen_round": _INT, "synced_at": _TIME,
    "summary": _BYTES, "labels": _BYTES,
}  # fmt: skip
_BODY = {
    "message_id": _UUID, "integration_id": _UUID, "content": _BYTES, "shown": _BYTES,
    "shown_version": "int2",
}  # fmt: skip
_ATTACHMENT = {
    "id": _UUID, "message_id": _UUID, "integration_id": _UUID, "position": "int2",
    "size": "int8", "is_inline": _BOOL, "descriptor": _BYTES,
}  # fmt: skip


@dataclass
class Rows:
    """The rows of one mailbox, and the plain summaries and texts that they hold, by row id."""

    threads: list[tuple[Any, ...]] = field(default_factory=list)
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    bodies: list[tuple[Any, ...]] = field(default_factory=list)
    attachments: list[tuple[Any, ...]] = field(default_factory=list)
    plain: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    plain_texts: dict[UUID, bytes] = field(default_factory=dict)


def make_owned_mailbox(user: User, organisation: Organisation) -> Integration:
    """Return a mailbox without mail, of an account of its own, that its owner agreed to."""
    connection = make_connection(user, organisation, subject=uuid7().hex)
    with transaction.atomic():
        # What the ledger calls it from then on, as a connect makes it.
        ledger_key_lifecycle.create_ledger_key(holder=connection.id, at=timezone.now())
        return make_integration(connection)


def make_sealed_rows(
    integration: Integration, count: int, *, bodies: bool = False, keep: bool = False
) -> Rows:
    """
    Return `count` messages in threads of three, sealed, in the order in which they came in.

    :param bodies: with a body each, and an attachment to every tenth
    :param keep: remember what was sealed
    """
    connection = integration.connection
    owner = (integration.id, connection.user_id, connection.organisation_id)
    sealer = sealing.get_sealer(holder=integration.id, epoch=integration.epoch)
    texts, now = _texts(), timezone.now()
    rng = random.Random(count)  # noqa: S311 - repeatable
    rows = Rows()
    for number in range(count):
        message_id = uuid7()
        at = now - timedelta(days=DAYS) * rng.random() ** 1.5
        has_attachment = bodies and number % 10 == 0
        if number % 3 == 0:
            blind = sealer.compute_blind("mail.thread", str(number))
            thread = (uuid7(), *owner, blind, at, at, message_id, 3, 1, has_attachment, False)
            rows.threads.append(thread)
        plain = summary(number)
        if keep:
            rows.plain[message_id] = plain
        rows.messages.append(
            (
                *(message_id, integration.id, rows.threads[-1][0], *owner[1:]),
                *(sealer.compute_blind("mail.message", str(number)), None),
                *(at, 4000 + number % 997, number % 4 == 0, False, has_attachment),
                *(["important", "inbox"], 1, now),
                sealer.seal_value(
                    Message, "summary", row=message_id, data=orjson.dumps(plain)
                ).ciphertext,
                None,
            )
        )
        if bodies:
            text = f"body {number}: {texts[number % len(texts)]}"
            columns = {
                "content": orjson.dumps({"text": text, "html": ""}),
                "shown": safe_text.encode_safe_text(safe_bodies.sanitise_text(text, ""), {}),
            }
            content, shown = (
                sealer.seal_value(MessageBody, name, row=message_id, data=data).ciphertext
                for name, data in columns.items()
            )
            rows.bodies.append((message_id, integration.id, content, shown, safe_bodies.VERSION))
            if keep:
                rows.plain_texts[message_id] = columns["shown"]
        if has_attachment:
            row = uuid7()
            descriptor = sealer.seal_value(
                Attachment, "descriptor", row=row, data=f'{{"filename":"file-{number}.pdf"}}'
            ).ciphertext
            rows.attachments.append(
                (row, message_id, integration.id, 0, 20_000 + number, False, descriptor)
            )
    return rows


def summary(number: int) -> dict[str, Any]:
    """Return what the list shows of message `number`: about 600 bytes."""
    rng = random.Random(number)  # noqa: S311 - repeatable
    said = " ".join(rng.choices(WORDS, k=24))
    return {
        "provider_id": f"{number:016x}",
        "provider_thread_id": f"{number // 3:016x}",
        "message_id": f"<{number:08x}.{rng.getrandbits(64):x}@mail.example>",
        "subject": f"Message {number}: {' '.join(rng.choices(WORDS, k=5))}",
        "snippet": said,
        "from": [[f"Sender {number % 211}", f"sender-{number % 211}@firma.example"]],
        "to": [["Alice Adler", "alice.adler@mail.example"]],
        "cc": [["Bob Brandt", "bob.brandt@mail.example"]] if number % 5 == 0 else [],
        "bcc": [],
        "reply_to": [],
        "attachments": [],
    }


def _texts() -> list[str]:
    rng = random.Random(1)  # noqa: S311 - repeatable
    return [" ".join(rng.choices(WORDS, k=rng.randrange(200, 1400))) for _ in range(400)]


def shuffled(*parts: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of several mailboxes as they would have come in: in between each other."""
    placed = [
        ((place + 0.5) / len(part), number, place)
        for number, part in enumerate(parts)
        for place in range(len(part))
    ]
    for _, number, place in sorted(placed):
        yield parts[number][place]


def load(*mailboxes: Rows) -> None:
    """Write mailboxes to the tables, their rows in between each other."""
    tables = (
        ("thread", THREAD, "threads"),
        ("message", MESSAGE, "messages"),
        ("messagebody", _BODY, "bodies"),
        ("attachment", _ATTACHMENT, "attachments"),
    )
    for table, columns, name in tables:
        parts = [getattr(one, name) for one in mailboxes]
        copy_rows(f"integrations_{table}", columns, shuffled(*parts))


def copy_rows(table: str, columns: dict[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
    """
    Write rows by COPY.

    :param columns: PostgreSQL's type by column, in the order of a row's values
    """
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with database.cursor() as cursor, cursor.copy(statement) as stream:
        stream.set_types(list(columns.values()))
        for row in rows:
            stream.write_row(row)


def settle_tables() -> None:
    """Leave the tables as autovacuum would, and nothing for a checkpoint to do meanwhile."""
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
