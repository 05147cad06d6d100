"""The rows of some mailboxes once more, with what they seal as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson
from django.db import connection as database

from integrations.formats.mime import display_name_addresses
from tests.bench import mailbox
from tests.bench.mailbox import MESSAGE, THREAD, Rows
from tests.bench.models import ColumnMessage, FernetMessage

# Columns that every table has; `summary` and `labels` are each table's own.
_SHARED = (
    "id", "integration_id", "thread_id", "user_id", "organisation_id", "received_at", "size",
    "is_unread", "is_starred", "has_attachments", "folders", "seen_round", "synced_at",
)  # fmt: skip


_TYPES = {name: MESSAGE[name] for name in _SHARED}
_TEXT = {"summary": "text", "labels": "text"}
_THREAD = [
    "id", "integration_id", "user_id", "organisation_id", "first_received_at", "last_received_at",
    "message_count", "unread_count", "has_attachments", "is_starred",
]  # fmt: skip


def write_baseline_rows(mailboxes: list[Rows], connection_id: UUID) -> None:
    """Write the same rows, with the text that they seal, to each baseline's table of the inbox."""
    summary_of, labels_of = (
        FernetMessage._meta.get_field(name).get_prep_value for name in ("summary", "labels")
    )
    write_plain_messages(mailboxes)
    mailbox.copy_rows(
        "bench_fernetmessage",
        {**_TYPES, **_TEXT},
        (
            (*shared, summary_of(orjson.dumps(plain).decode()), labels_of(None))
            for shared, plain in _iterate_rows(mailboxes)
        ),
    )
    lists = ("sender", "to", "cc", "bcc", "reply_to", "labels")
    columns = [
        ColumnMessage(
            **dict(zip(_SHARED, shared, strict=True)),
            connection_id=connection_id,
            subject=plain["subject"],
            snippet=plain["snippet"],
            **{name: _addresses(plain.get("from" if name == "sender" else name)) for name in lists},
        )
        for shared, plain in _iterate_rows(mailboxes)
    ]
    ColumnMessage.objects.bulk_create(columns, batch_size=1_000)


def write_plain_messages(mailboxes: list[Rows]) -> None:
    mailbox.copy_rows(
        "bench_plainmessage",
        {**_TYPES, "remote_id": "varchar", **_TEXT},
        (
            (*shared, plain["provider_id"], orjson.dumps(plain).decode(), None)
            for shared, plain in _iterate_rows(mailboxes)
        ),
    )


def write_plain_threads(mailboxes: list[Rows]) -> None:
    """Write threads and texts, after `write_plain_messages`."""
    places = [list(THREAD).index(name) for name in _THREAD]
    threads = mailbox.shuffled(*(rows.threads for rows in mailboxes))
    mailbox.copy_rows(
        "bench_plainthread",
        {name: THREAD[name] for name in _THREAD},
        (tuple(row[place] for place in places) for row in threads),
    )
    mailbox.copy_rows(
        "bench_plaintext",
        {"message_id": "uuid", "integration_id": "uuid", "shown": "text"},
        (
            (message_id, integration_id, text.decode())
            for rows in mailboxes
            for (message_id, integration_id, *_), text in zip(
                rows.bodies, rows.plain_texts.values(), strict=True
            )
        ),
    )
    # As `integrations_message` has one; the tables of other benchmarks need none.
    with database.cursor() as cursor:
        cursor.execute("CREATE INDEX plain_message_thread ON bench_plainmessage (thread_id)")


def _iterate_rows(mailboxes: list[Rows]) -> Iterable[tuple[tuple[Any, ...], dict[str, Any]]]:
    places = [list(MESSAGE).index(name) for name in _SHARED]
    for row in mailbox.shuffled(*(rows.messages for rows in mailboxes)):
        shared = tuple(row[place] for place in places)
        yield shared, next(rows.plain[row[0]] for rows in mailboxes if row[0] in rows.plain)


def _addresses(pairs: list[list[str]] | None) -> list[dict[str, str | bool]]:
    return [
        {
            "name": name,
            "email": email,
            "names_another_address": display_name_addresses.contains_other_address(name, email),
        }
        for name, email in pairs or ()
    ]
