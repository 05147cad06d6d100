"""Pages of rows in a stable order, newest first, by keyset; ciphertext throughout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.actors import Actor
from integrations.models import Message, MessageBody, Thread
from integrations.web.cursors import Place
from limited_use.sinks.rows import Row
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import Sealed

from . import label_names, message_list_sql, thread_list_sql
from . import list_filters as narrowing
from .message_list_sql import PageRequest
from .message_text import sealed_columns
from .row_types import Listed, ListedThread, MessageRow, ThreadRow
from .visible_mailboxes import Mailboxes

MAXIMUM = 200
# Messages of one thread that are shown; the newest.
LONGEST_THREAD = 200

_OF_A_LIST: Final = Listed._fields
# A page of fifty spends more on building instances than on opening them.
_SUMMARY: Final = cast("SealedField[Any, Any]", Message._meta.get_field("summary"))  # noqa: SLF001
_LABELS: Final = cast("SealedField[Any, Any]", Message._meta.get_field("labels"))  # noqa: SLF001


@dataclass(frozen=True, slots=True)
class Page:
    """
    :param holders: the integration of each row, for counting
    :param next_place: after which row the next page begins; None on the last
    """

    rows: list[Row]
    holders: list[UUID]
    next_place: Place | None


def messages(page: PageRequest) -> Page:
    """Return a page of messages. One query; two if there are labels on it."""
    limit, mailboxes = page.limit, page.mailboxes
    rows = message_list_sql.list_messages(replace(page, limit=limit + 1))
    shown = rows[:limit]
    # One object for each mailbox: else, for every row, what opens it is found by comparing ids.
    same = {one: one for one in mailboxes.shown}
    holders = [same.get(one.integration_id, one.integration_id) for one in shown]
    labelled = {holder for one, holder in zip(shown, holders, strict=True) if one.labels}
    names = label_names.find_names(labelled)
    return Page(
        [
            _listed(one, holder, mailboxes, names)
            for one, holder in zip(shown, holders, strict=True)
        ],
        holders,
        Place(shown[-1].received_at, shown[-1].id) if len(rows) > limit else None,
    )


def threads(page: PageRequest) -> Page:
    """Return a page of threads, each with its newest message. One query."""
    limit, mailboxes = page.limit, page.mailboxes
    rows = thread_list_sql.list_threads(replace(page, limit=limit + 1))
    # A thread without its newest message is left out, and still counts for the place of the page.
    shown = [row for row in rows[:limit] if row.newest_id is not None]
    last = rows[limit - 1] if len(rows) > limit else None
    same = {one: one for one in mailboxes.shown}
    return Page(
        [_listed_thread(row, mailboxes, same) for row in shown],
        [row.integration_id for row in shown],
        Place(last.last_received_at, last.id) if last else None,
    )


def message(message_id: UUID, *, actor: Actor, user_id: UUID, mailboxes: Mailboxes) -> Page:
    """Return one message with its text, or an empty page. At most three queries."""
    found = narrowing.messages(actor=actor, user_id=user_id, mailboxes=mailboxes)
    bodies = MessageBody.objects.select_related("message").filter(
        message_id=message_id, message__in=found.filter(id=message_id)
    )
    try:
        body = bodies.defer("content").get()
        # First: to read an older text forgets the message that was read with it.
        row = _message(body.message, mailboxes)
        text = sealed_columns(body)
    except MessageBody.DoesNotExist:
        return Page([], [], None)
    return Page([Row(row.row, {**row.sealed, **text})], [body.integration_id], None)


def thread(thread_id: UUID, *, actor: Actor, user_id: UUID, mailboxes: Mailboxes) -> Page:
    """Return one thread with its messages, newest first, or an empty page. Two or three queries."""
    own = narrowing.threads(actor=actor, user_id=user_id, mailboxes=mailboxes)
    found = own.filter(id=thread_id).first()
    if found is None:
        return Page([], [], None)
    inside = Message.objects.filter(thread_id=thread_id, integration_id=found.integration_id)
    rows = list(_page(inside, "received_at", None).only(*_OF_A_LIST)[:LONGEST_THREAD])
    if not rows:
        return Page([], [], None)
    row = _thread(found, rows, mailboxes)
    whole = Row(row.row, {**row.sealed, **_names_for(rows)})
    return Page([whole], [found.integration_id] * len(rows), None)


def _page(rows: QuerySet[Any], column: str, after: Place | None) -> QuerySet[Any]:
    if after is not None:
        # The first condition is what the index walks by; the second breaks ties.
        rows = rows.filter(**{f"{column}__lte": after.at}).filter(
            Q(**{f"{column}__lt": after.at}) | Q(id__lt=after.id)
        )
    return rows.order_by(f"-{column}", "-id")


def _listed(
    one: Listed, holder: UUID, mailboxes: Mailboxes, names: Mapping[UUID, Sealed | None]
) -> Row:
    row = one.id
    sealed: dict[str, Sealed | None] = {
        "summary": _SUMMARY.handle(one.summary, holder=holder, row=row)
    }
    if one.labels is not None:
        sealed["labels"] = _LABELS.handle(one.labels, holder=holder, row=row)
        sealed[label_names.OPENED_AS] = names.get(holder)
    return Row(MessageRow(one, mailboxes.shown.get(holder)), sealed)


def _listed_thread(row: ListedThread, mailboxes: Mailboxes, same: Mapping[UUID, UUID]) -> Row:
    """Return a row for a sink; `same` has one object for each mailbox id, as in `messages`."""
    if row.newest_id is None or row.newest_integration_id is None:
        raise TypeError("a thread without its newest message is not listed")
    holder = same.get(row.newest_integration_id, row.newest_integration_id)
    summary = _SUMMARY.handle(row.summary, holder=holder, row=row.newest_id)
    connection_id = mailboxes.shown.get(row.integration_id)
    return Row(ThreadRow(row, (), connection_id), {"0": summary})


def _message(one: Message, mailboxes: Mailboxes) -> Row:
    connection_id = mailboxes.shown.get(one.integration_id)
    sealed = {"summary": one.summary, "labels": one.labels, **_names_for([one])}
    return Row(MessageRow(one, connection_id), sealed)


def _names_for(messages: Sequence[Message]) -> dict[str, Sealed | None]:
    """Return the label names of one mailbox, sealed, if one of its messages has a label."""
    labelled = [one.integration_id for one in messages if one.labels is not None]
    names = label_names.find_names(labelled)
    return {label_names.OPENED_AS: names.get(labelled[0])} if labelled else {}


def _thread(one: Thread, messages: Sequence[Message], mailboxes: Mailboxes) -> Row:
    sealed: dict[str, Sealed | None] = {}
    for place, message in enumerate(messages):
        sealed[str(place)] = message.summary
        sealed[f"labels:{place}"] = message.labels
    connection_id = mailboxes.shown.get(one.integration_id)
    return Row(ThreadRow(one, tuple(messages), connection_id), sealed)


def counts(holders: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many rows each integration has among `holders`."""
    return dict(Counter(holders))
