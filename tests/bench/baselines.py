"""The rows of some mailboxes once more, with what they seal as it is: the inbox's baselines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson

from integrations.formats.mime import display_name_addresses
from tests.bench import mailbox
from tests.bench.mailbox import MESSAGE, Rows
from tests.bench.models import ColumnMessage, FernetMessage

# Columns that every table has; `summary` and `labels` are each table's own.
_SHARED = (
    "id", "integration_id", "thread_id", "user_id", "organisation_id", "received_at", "size",
    "is_unread", "is_starred", "has_attachments", "folders", "seen_round", "synced_at",
)  # fmt: skip


def write_baseline_rows(mailboxes: list[Rows], connection_id: UUID) -> None:
    """Write the same rows, with the text that they seal, to each baseline's table."""
    types = {name: MESSAGE[name] for name in _SHARED}
    summary_of, labels_of = (
        FernetMessage._meta.get_field(name).get_prep_value for name in ("summary", "labels")
    )
    text = {"summary": "text", "labels": "text"}
    mailbox.copy_rows(
        "bench_plainmessage",
        {**types, "remote_id": "varchar", **text},
        (
            (*shared, plain["provider_id"], orjson.dumps(plain).decode(), None)
            for shared, plain in _iterate_rows(mailboxes)
        ),
    )
    mailbox.copy_rows(
        "bench_fernetmessage",
        {**types, **text},
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
