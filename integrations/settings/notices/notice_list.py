"""Pages of a person's notices, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from integrations.models import OwnerNotice
from integrations.notifications import notice_details, notice_kinds

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE_SIZE: Final = 30


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """
    :param url: the place where it is solved
    :param is_resolved: its cause has ended
    """

    id: UUID
    title: StrOrPromise
    text: str
    link_text: StrOrPromise
    url: str
    created_at: datetime
    is_unread: bool
    is_resolved: bool


@dataclass(frozen=True, slots=True)
class NoticePage:
    """:param next_before: id of the last row if there are older ones, else None"""

    rows: tuple[NoticeRow, ...]
    next_before: UUID | None


def get_notice_page(*, user_id: UUID, organisation_id: UUID, before: UUID | None) -> NoticePage:
    """:param before: only notices older than the one with this id; ids are in the order of time"""
    notices = _filter_own(user_id, organisation_id)
    if before is not None:
        notices = notices.filter(id__lt=before)
    found = list(notices.order_by("-id")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    has_more = len(found) > PAGE_SIZE
    return NoticePage(tuple(_make_rows(shown)), shown[-1].id if has_more else None)


def mark_read(
    *, user_id: UUID, organisation_id: UUID, at: datetime, ids: Iterable[UUID] | None = None
) -> int:
    """:param ids: None: all"""
    unread = _filter_own(user_id, organisation_id).filter(read_at=None)
    if ids is not None:
        unread = unread.filter(id__in=list(ids))
    return unread.update(read_at=at)


def _filter_own(user_id: UUID, organisation_id: UUID) -> QuerySet[OwnerNotice]:
    # An earlier version may have had other kinds, which have no words any more.
    return OwnerNotice.objects.filter(
        user_id=user_id,
        organisation_id=organisation_id,
        message__in=notice_kinds.list_message_keys(),
    )


def _make_rows(notices: Iterable[OwnerNotice]) -> Iterable[NoticeRow]:
    for notice in notices:
        kind = notice_kinds.get_kind_of_message(notice.message)
        message = notice_kinds.get_notice_message(notice.message)
        words = notice_details.make_page_words(notice_details.get_details(notice))
        yield NoticeRow(
            id=notice.id,
            title=kind.title,
            text=str(message.text) % words,
            link_text=message.link_text,
            url=reverse(message.route_name, args=[notice.about] if message.has_subject else []),
            created_at=notice.created_at,
            is_unread=notice.read_at is None and notice.resolved_at is None,
            is_resolved=notice.resolved_at is not None,
        )
