"""
The sink of calendars: a viewer's own and shared calendars in one answer.

A view takes all rows at once, because occurrences need a series and its exceptions. A damaged row
stays closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.http import HttpRequest

from accounts.actors import Actor, ActorKind
from limited_use.access_request import FenceKind, Permit
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient

from . import json_sink, sealed_rows, template_values
from .sealed_rows import Permits, SealedRow
from .template_values import TemplateItem
from .traceback_guard import WrongSink, guard_plaintext

__all__ = [
    "AccountRows",
    "SealedRow",
    "TemplateItem",
    "calendar_document",
    "calendar_file",
    "calendar_json",
    "calendar_page",
    "reseal_calendar",
]

_CALENDAR = frozenset({DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY})
_OWN = frozenset({Recipient.OWNER, Recipient.PLATFORM_FEATURE})

T = TypeVar("T")

OpenedRows = Sequence[tuple[Any, Mapping[str, bytes]]]
# Builds the answer from all rows and their opened columns. A damaged row has no columns, and the
# answer must say so.
Make = Callable[[OpenedRows], Any]
MakePage = Callable[[OpenedRows], Sequence[Mapping[str, Any] | TemplateItem]]
MakeFile = Callable[[OpenedRows], bytes]


@dataclass(frozen=True, slots=True)
class AccountRows:
    """
    Accounts with their sealed addresses, and the permits to show these.

    :param shape: makes the template's item of a row and its opened columns
    """

    rows: Sequence[SealedRow]
    permits: Permits
    shape: Callable[[Any, Mapping[str, bytes]], TemplateItem]

    def without_addresses(self) -> AccountRows:
        return AccountRows([SealedRow(row.row) for row in self.rows], {}, self.shape)


@guard_plaintext
def calendar_json(
    rows: Sequence[SealedRow], *, permits: Permits, viewer: Actor, make: Make, at: datetime
) -> bytes:
    """
    Return the result of `make` as JSON.

    :raises WrongSink, Unopenable:
    """
    _check_permits(permits, viewer)
    return json_sink.dump_json(make(_open_rows(rows, permits, at)))


@guard_plaintext
def calendar_page(  # noqa: PLR0913 - a template, what it shows, and why it may
    template: str,
    rows: Sequence[SealedRow],
    *,
    permits: Permits,
    viewer: Actor,
    make: MakePage,
    at: datetime,
    context: Mapping[str, Any] | None = None,
    under: str = "items",
    request: HttpRequest | None = None,
    accounts: AccountRows | None = None,
) -> bytes:
    """
    Return `template` in UTF-8, with `context` and, as `under`, the result of `make`.

    :param accounts: the viewer's own accounts that the page is about
    :raises WrongSink, Unopenable:
    """
    _check_permits(permits, viewer)
    if viewer.kind != ActorKind.PERSON:
        raise WrongSink
    items = make(_open_rows(rows, permits, at))
    return template_values.render_template(
        template,
        items,
        context=context or {},
        under=under,
        request=request,
        accounts=None if accounts is None else _open_accounts(accounts, viewer, at),
    )


@guard_plaintext
def calendar_file(
    rows: Sequence[SealedRow], *, permits: Permits, viewer: Actor, make: MakeFile, at: datetime
) -> bytes:
    """
    Return a file made of a person's own rows: all of them, or none.

    :raises WrongSink, Unopenable:
    """
    _check_permits(permits, viewer)
    if any(permit.use.recipient != Recipient.OWNER for permit in permits.values()):
        raise WrongSink
    return make(list(sealed_rows.open_rows(rows, permits, at=at)))


@guard_plaintext
def calendar_document(
    rows: Sequence[SealedRow], *, permits: Permits, viewer: Actor, make: MakeFile, at: datetime
) -> bytes:
    """
    Return an event's own sanitised description.

    :raises WrongSink, Unopenable:
    """
    _check_permits(permits, viewer)
    if viewer.kind != ActorKind.PERSON:
        raise WrongSink
    return make(_open_rows(rows, permits, at))


@guard_plaintext
def reseal_calendar(
    rows: Sequence[SealedRow],
    *,
    permits: Permits,
    viewer: Actor,
    make: Callable[[OpenedRows], T],
    at: datetime,
) -> T:
    """
    Return a person's own rows, sealed again by `make`, which reports obstacles by name only.

    :raises WrongSink, Unopenable:
    """
    _check_permits(permits, viewer)
    if any(permit.use.recipient != Recipient.OWNER for permit in permits.values()):
        raise WrongSink
    return make(list(sealed_rows.open_rows(rows, permits, at=at)))


def _open_rows(rows: Sequence[SealedRow], permits: Permits, at: datetime) -> OpenedRows:
    return list(
        sealed_rows.open_rows(rows, permits, at=at, skip_damaged=True, skip_whole_rows=True)
    )


def _open_accounts(accounts: AccountRows, viewer: Actor, at: datetime) -> list[TemplateItem]:
    sealed_rows.check_permits(
        accounts.permits,
        actor=viewer,
        purposes={Purpose.CONNECTION_MAINTAIN},
        recipients={Recipient.OWNER},
    )
    opened = sealed_rows.open_rows(accounts.rows, accounts.permits, at=at, skip_damaged=True)
    return [accounts.shape(row, values) for row, values in opened]


def _check_permits(permits: Permits, viewer: Actor) -> None:
    for (holder, data_class), permit in permits.items():
        is_viewers = permit.actor == viewer and permit.use.data_class in _CALENDAR
        if not is_viewers or (permit.holder, permit.use.data_class) != (holder, data_class):
            raise WrongSink
        if not (_is_own(permit) or _is_shared(permit, viewer)):
            raise WrongSink


def _is_own(permit: Permit) -> bool:
    use = permit.use
    return use.purpose == Purpose.CALENDAR_SCHEDULE and use.recipient in _OWN


def _is_shared(permit: Permit, viewer: Actor) -> bool:
    shares = [fence for fence in permit.fences if fence.kind == FenceKind.SHARE]
    return (
        permit.use.purpose == Purpose.CALENDAR_SHARE
        and permit.use.recipient == Recipient.REGISTERED_USER
        and viewer.kind == ActorKind.PERSON
        and len(shares) == 1
    )
