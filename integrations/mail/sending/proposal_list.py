"""Proposed drafts, as their owner lists, reads and deletes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from integrations.access import sending_permits
from integrations.access.permits import Permits
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import LIVE, DraftProposal
from integrations.outbox import command_content
from integrations.web.newest_rows import find_newest
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks.sealed_rows import SealedRow

from .message_owner import get_owner_columns

_KIND: Final = "proposals"
#: Proposals that the outbox page lists above its messages.
MAX_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class PermittedProposals:
    """
    Rows of `DraftProposal` with their sealed `content`, and the permits to show it to the owner.

    `content` opens to `command_content.decode_content`.
    """

    rows: list[SealedRow]
    permits: Permits
    next_cursor: str | None = None


def get_proposal_page(
    context: RequestContext, *, cursor: str | None, limit: int
) -> PermittedProposals:
    """
    Return the newest first.

    :raises page_cursors.InvalidCursor, page_cursors.ExpiredCursor:
    :raises limited_use.guard.guard.AccessRefused:
    """
    page = find_newest(_filter_own(context), context, kind=_KIND, cursor=cursor, limit=limit)
    permitted = _permit_rows(context, [_make_row(proposal) for proposal in page.rows])
    return replace(permitted, next_cursor=page.next_cursor)


def find_rows(context: RequestContext) -> list[SealedRow]:
    """Return the person's newest proposals, without permits."""
    return [_make_row(proposal) for proposal in _filter_own(context).order_by("-id")[:MAX_LISTED]]


def find_own_proposal(context: RequestContext, proposal_id: UUID) -> DraftProposal:
    """:raises ObjectNotFound:"""
    proposal = _filter_own(context).filter(id=proposal_id).first()
    if proposal is None:
        raise ObjectNotFound
    return proposal


def find_answers(
    context: RequestContext, message_ids: Collection[UUID]
) -> dict[UUID, DraftProposal]:
    """Return the newest proposal to answer each message, without its content."""
    answers = _filter_own(context).filter(replied_message_id__in=message_ids).defer("content")
    return {
        proposal.replied_message_id: proposal
        for proposal in answers.order_by("id")
        if proposal.replied_message_id is not None
    }


def count_unopened(context: RequestContext) -> int:
    return _filter_own(context).filter(opened_at=None).count()


def get_proposal(context: RequestContext, proposal_id: UUID) -> PermittedProposals:
    """
    Return one row.

    :raises ObjectNotFound, limited_use.guard.guard.AccessRefused:
    """
    return _permit_rows(context, [_make_row(find_own_proposal(context, proposal_id))])


def mark_opened(context: RequestContext, proposal_id: UUID) -> None:
    """Keep the time of the first opening. From then on, the draft is the owner's."""
    _filter_own(context).filter(id=proposal_id, opened_at=None).update(opened_at=context.at)


def discard_proposal(context: RequestContext, proposal_id: UUID) -> None:
    """:raises ObjectNotFound:"""
    count, _ = _filter_own(context).filter(id=proposal_id).delete()
    if not count:
        raise ObjectNotFound


def shape_proposal(proposal: DraftProposal, opened: Mapping[str, bytes]) -> dict[str, Any]:
    """Make a plain dict for the owner, with empty fields for damaged content."""
    content = command_content.decode_content(opened["content"]) if "content" in opened else None
    return {
        "id": proposal.id,
        "mailbox": proposal.integration_id,
        "proposed_by": proposal.feature,
        "answered_message_id": proposal.replied_message_id,
        "created_at": proposal.created_at,
        "expires_at": proposal.expires_at,
        "opened_at": proposal.opened_at,
        "to": list(map(asdict, content.to)) if content else [],
        "cc": list(map(asdict, content.cc)) if content else [],
        "subject": content.subject if content else "",
        "text": content.text if content else "",
    }


def _filter_own(context: RequestContext) -> QuerySet[DraftProposal]:
    return DraftProposal.objects.filter(
        **get_owner_columns(context),
        integration__status__in=LIVE,
        expires_at__gt=context.at,
    )


def _make_row(proposal: DraftProposal) -> SealedRow:
    return SealedRow(proposal, {"content": proposal.content})


def _permit_rows(context: RequestContext, rows: list[SealedRow]) -> PermittedProposals:
    permits = sending_permits.to_read_outbox(
        actor=context.actor,
        counts=Counter(row.row.integration_id for row in rows),
        data_classes=(DataClass.MAIL_CONTENT,),
        at=context.at,
    )
    return PermittedProposals(rows, permits)
