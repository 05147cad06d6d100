"""An event written once, however often the same is sent; and what came of it, told again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from integrations import replies
from integrations.asking import Asked, NotFound
from integrations.calendars import writing
from integrations.calendars.keeping import Full
from integrations.concurrency import TooManyWaits
from integrations.models import Reply
from integrations.providers.calendars import Notify
from integrations.replies import Sent
from limited_use.guard import Refused

from . import places
from .checking import BadDraft
from .drafts import Draft
from .errors import KeyReused, PermissionMissing, ReadOnly, RefusedThere, Taken
from .results import Written

CREATED: Final = 201
#: It was written, and lies outside of what is kept here.
ELSEWHERE: Final = 202
# After these nothing was written, so that the key may be used for what is right instead.
_UNDONE: Final = (
    BadDraft, Full, KeyReused, NotFound, PermissionMissing, ReadOnly, Refused, RefusedThere, Taken,
    TooManyWaits,
)  # fmt: skip


class NoLongerHere(Exception):
    """It was written under this key, and is not here any more under that id. Read them again."""


def create(  # noqa: PLR0913 - one event in full
    asked: Asked,
    calendar_id: UUID,
    draft: Draft,
    *,
    sent: Sent,
    notify: Notify,
    require_free: Sequence[UUID] = (),
) -> tuple[Written, bool]:
    """
    Write a new event, or return what the same request wrote before; and whether it is the latter.

    :raises replies.InProgress: if the same is being written now
    :raises replies.OtherBody: if the key came with another request
    :raises: what `writing.create` raises
    """
    seen = places.find(asked, calendar_id)
    claimed = replies.claim(asked, sent, seen.calendar.integration)
    if claimed.status is not None:
        return Written(calendar_id, _text(claimed)), True
    with replies.letting_go(claimed, undone=_UNDONE):
        written = writing.create(
            asked, calendar_id, draft, key=sent.key, notify=notify, require_free=require_free
        )
    is_here = written.id is not None
    replies.answered(
        claimed,
        status=CREATED if is_here else ELSEWHERE,
        event_id=UUID(written.id) if written.id is not None else None,
    )
    return written, False


def _text(claimed: Reply) -> str | None:
    return None if claimed.event_id is None else str(claimed.event_id)
