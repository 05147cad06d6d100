"""The two sides of the purge: our tables, and the baseline's with the same bytes in them."""

from __future__ import annotations

from uuid import UUID

from django.db import connection as database
from django.db import models

from integrations.models import Attachment, Integration, Message, MessageBody, Thread
from tests.bench.boxes import Box, BoxAttachment, BoxMessage, BoxMessageBody, BoxThread

OURS = (Thread, Message, MessageBody, Attachment)
THEIRS = (BoxThread, BoxMessage, BoxMessageBody, BoxAttachment)


def copy_to_plain_tables(integration: Integration, *, count: int) -> Box:
    """Copy the loaded rows, in the order in which they lie on disk, to the plain tables."""
    box = Box.objects.create(id=integration.id)
    others = Integration.objects.exclude(id=integration.id).values_list("id", flat=True)
    Box.objects.bulk_create([Box(id=one) for one in others], ignore_conflicts=True)
    with database.cursor() as cursor:
        for source, target in zip(OURS, THEIRS, strict=True):
            columns = ", ".join(field.column for field in source._meta.concrete_fields)
            cursor.execute(
                f"INSERT INTO {target._meta.db_table} ({columns})"  # noqa: S608 - our own names
                f" SELECT {columns} FROM {source._meta.db_table}"
            )
    for source, target in zip(OURS, THEIRS, strict=True):
        if source.objects.count() != target.objects.count():
            raise AssertionError("the baseline has other rows")
    if Message.objects.filter(integration=integration).count() != count:
        raise AssertionError("the mailbox is not full")
    return box


def count_left(tables: tuple[type[models.Model], ...], integration_id: UUID) -> int:
    return sum(table.objects.filter(integration_id=integration_id).count() for table in tables)


def check_others(bob: Integration, *, count: int) -> None:
    """:raises AssertionError: unless exactly the rows of `bob` are there, on both sides"""
    for table in (Message, MessageBody, BoxMessage, BoxMessageBody):
        if table.objects.count() != count:
            raise AssertionError(f"{table.__name__}: others' rows went along")
    if Message.objects.filter(integration=bob).count() != count:
        raise AssertionError("others' rows are not theirs")


def clear() -> None:
    tables = ", ".join(table._meta.db_table for table in (*OURS, *THEIRS, Box))
    with database.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables}")
