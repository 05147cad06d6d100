"""Filters of a list, and the rows that a list may show."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet

from accounts.actors import Actor
from integrations.models import Message, Thread

from .visible_mailboxes import NO_ORGANISATION, VisibleMailboxes

#: Folders of the list filter, in our names: common folders, then Gmail's. A message may be in other
#: folders that Gmail names; spam and deleted mail are never stored.
FOLDERS: Final = (
    "inbox",
    "sent",
    "drafts",
    "archive",
    "important",
    "chat",
    "category_personal",
    "category_social",
    "category_promotions",
    "category_updates",
    "category_forums",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFilters:
    """
    A None filter narrows nothing.

    :param folder: one of `FOLDERS`
    :param received_after: aware; exclusive
    :param received_before: aware; exclusive
    """

    folder: str | None = None
    unread: bool | None = None
    starred: bool | None = None
    has_attachments: bool | None = None
    thread_id: UUID | None = None
    connection_id: UUID | None = None
    received_after: datetime | None = None
    received_before: datetime | None = None

    @property
    def canonical_json(self) -> str:
        """Equal filters have equal text, which cursors are bound to."""
        active_filters = {name: value for name, value in asdict(self).items() if value is not None}
        return orjson.dumps(active_filters, option=orjson.OPT_SORT_KEYS).decode()


def get_visible_messages(
    *, actor: Actor, user_id: UUID, mailboxes: VisibleMailboxes
) -> QuerySet[Message]:
    """Return visible messages, unordered. `message_list_sql` reads a page of them."""
    rows = Message.objects.filter(
        user_id=user_id, organisation_id=actor.organisation_id or NO_ORGANISATION
    )
    return rows.filter(_exclude_hidden(mailboxes))


def get_visible_threads(
    *, actor: Actor, user_id: UUID, mailboxes: VisibleMailboxes
) -> QuerySet[Thread]:
    """Return visible threads, unordered. `thread_list_sql` reads a page of them."""
    rows = Thread.objects.filter(
        user_id=user_id, organisation_id=actor.organisation_id or NO_ORGANISATION
    )
    return rows.filter(_exclude_hidden(mailboxes))


def _exclude_hidden(mailboxes: VisibleMailboxes) -> Q:
    """Exclude hidden mailboxes, for the reason in `message_list_sql._select_mailboxes`."""
    return ~Q(integration_id__in=mailboxes.hidden) if mailboxes.hidden else Q()
