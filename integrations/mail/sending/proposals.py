"""
Drafts that platform features propose to a mailbox's owner, who alone can send them.

A feature writes a draft and reads nothing: it learns only whether the draft was accepted. Three
bounds keep a proposal from becoming a campaign: few recipients, recipients with whom the owner has
corresponded, and few owners a day for one text (`proposal_template`). A text that differs in each
copy passes the last bound; for it, the others, the record of each proposal and the owner's own
decision to send are left.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import delegations, memberships, rate_limit_counters
from accounts.actors import Actor
from accounts.ids import uuid7
from accounts.rate_limit_counters import Rate
from integrations.access import fences, sending_bounds, sending_permits
from integrations.access.permits import Permits
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import LIVE, DraftProposal, Integration, Message
from integrations.outbox import command_content
from integrations.outbox.command_content import CommandContent
from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault import blind_index, sealing

from . import known_recipients
from .message_owner import get_owner_columns
from .newest_rows import find_newest
from .proposal_template import normalise_template

#: Until a proposal that is not sent is deleted.
LIFETIME: Final = timedelta(days=14)
_KIND: Final = "proposals"
#: Proposals that the outbox page lists above its messages.
MAX_LISTED: Final = 200
_DAY: Final = 24 * 60 * 60
_NO_ID: Final = UUID(int=0)
#: People a day to whom one feature may propose the same text.
TEMPLATE_RATE: Final = Rate("proposal-template", 50, _DAY)
#: An owner's first proposal with a text counts.
_OWNER_RATE: Final = Rate("proposal-template-owner", 1, _DAY)


@dataclass(frozen=True, slots=True)
class DraftSuggestion:
    """
    What a feature proposes.

    :param answered_id: our id of the message that the draft answers
    """

    content: CommandContent
    answered_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PermittedProposals:
    """
    Rows of `DraftProposal` with their sealed `content`, and the permits to show it to the owner.

    `content` opens to `command_content.decode_content`.
    """

    rows: list[SealedRow]
    permits: Permits
    next_cursor: str | None = None


def propose_draft(
    context: RequestContext,
    mailbox: Integration,
    suggestion: DraftSuggestion,
    *,
    on_stored: Callable[[DraftProposal], None],
) -> DraftProposal:
    """
    Seal the draft for its owner, in the feature's name.

    :param mailbox: the owner's, to which Antares can write (`send_message.check_ready`)
    :param on_stored: called in the transaction
    :raises ObjectNotFound: if the answered message is not of this mailbox
    :raises fences.DisconnectedError:
    :raises limited_use.guard.guard.AccessRefused: also if a bound is reached
    """
    actor, at = context.actor, context.at
    if suggestion.answered_id is not None:
        answered = Message.objects.filter(id=suggestion.answered_id, integration=mailbox)
        if not answered.exists():
            raise ObjectNotFound
    template_blind = _compute_template_blind(actor, mailbox, suggestion.content)
    permit = _get_permits(actor, mailbox, suggestion.content, template_blind, at)[
        mailbox.id, DataClass.MAIL_CONTENT
    ]
    sealer = sealing.get_sealer(holder=mailbox.id, epoch=permit.epoch)
    proposal_id = uuid7()
    sealed = sealer.seal_value(
        DraftProposal,
        "content",
        row=proposal_id,
        data=command_content.encode_content(suggestion.content),
    )
    proposal = DraftProposal(
        id=proposal_id,
        integration=mailbox,
        user_id=mailbox.connection.user_id,
        organisation_id=mailbox.connection.organisation_id,
        feature=actor.feature or "",
        delegation_id=actor.delegation_id or _NO_ID,
        template_blind=template_blind,
        recipient_count=len(suggestion.content.recipients),
        replied_message_id=suggestion.answered_id,
        created_at=at,
        expires_at=at + LIFETIME,
        content=sealed,
    )
    try:
        _store(proposal, actor, permit, on_stored)
    except delegations.DelegationNotLive:
        # Switched off in the meantime: the guard refuses, and records it.
        sending_permits.to_compare_recipients(
            actor=actor, integration_id=mailbox.id, count=0, at=at
        )
        raise
    return proposal


def _store(
    proposal: DraftProposal,
    actor: Actor,
    permit: Permit,
    on_stored: Callable[[DraftProposal], None],
) -> None:
    with transaction.atomic(durable=True):
        fences.lock_integration(integration_id=permit.holder, epoch=permit.epoch)
        # Switching the feature off deletes its proposals: this one is stored before, or not at all.
        delegations.lock_delegation(
            delegation_id=proposal.delegation_id, epoch=actor.delegation_epoch or 0
        )
        proposal.save(force_insert=True)
        on_stored(proposal)


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


def delete_expired_proposals(*, at: datetime) -> int:
    """Delete proposals that were not sent in time; return how many."""
    count, _ = DraftProposal.objects.filter(expires_at__lte=at).delete()
    return count


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


def _get_permits(
    actor: Actor,
    mailbox: Integration,
    content: CommandContent,
    template_blind: bytes,
    at: datetime,
) -> Permits:
    """Look no further than to the first bound that is reached."""
    recipient_count = len(content.recipients)
    are_known = recipient_count <= sending_bounds.MAX_RECIPIENTS and (
        known_recipients.are_recipients_known(content.recipients, mailbox, actor=actor, at=at)
    )
    is_within_bound = are_known and _count_template(mailbox, template_blind, at)
    return sending_permits.to_propose_draft(
        actor=actor,
        integration_id=mailbox.id,
        recipient_count=recipient_count,
        are_recipients_known=are_known,
        is_template_within_bound=is_within_bound,
        at=at,
    )


def _compute_template_blind(actor: Actor, mailbox: Integration, content: CommandContent) -> bytes:
    owner = mailbox.connection.user
    # A mail merge names the recipients, and the owner below the text. Recipients are named by their
    # addresses alone: the feature chooses the names beside them.
    addresses = (owner.email, *(entry.address for entry in content.recipients))
    names = (owner.name, *(address.rpartition("@")[0] for address in addresses))
    template = normalise_template(content.subject, content.text, names)
    # The key store gets a digest, and never the text.
    digest = hashlib.sha256(template.encode()).hexdigest()
    return blind_index.compute_blind("proposal.template", f"{actor.feature}\0{digest}")


def _count_template(mailbox: Integration, template_blind: bytes, at: datetime) -> bool:
    """
    Count the owner among those who get this text today; return whether they are within the bound.

    The membership's lock orders concurrent proposals to one owner.
    """
    template_key = template_blind.hex()
    user_id = mailbox.connection.user_id
    owner_key = f"{template_key} {user_id}"
    with transaction.atomic(durable=True):
        memberships.lock_memberships(
            user_ids=[user_id], organisation_id=mailbox.connection.organisation_id
        )
        usage = rate_limit_counters.add_rate_limit_count(_OWNER_RATE, owner_key, at=at)
        if not usage.is_within:
            return True
        usage = rate_limit_counters.add_rate_limit_count(TEMPLATE_RATE, template_key, at=at)
        if not usage.is_within:
            rate_limit_counters.take_back_rate_count(_OWNER_RATE, owner_key, at=at)
        return usage.is_within


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
