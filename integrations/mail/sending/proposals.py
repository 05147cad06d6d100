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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import delegations, memberships, rate_limit_counters
from accounts.actors import Actor
from accounts.ids import uuid7
from accounts.rate_limit_counters import Rate
from integrations.access import fences, sending_bounds, sending_permits
from integrations.access.permits import Permits
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import DraftProposal, Integration, Message
from integrations.outbox import command_content
from integrations.outbox.command_content import CommandContent
from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault import blind_index, sealing

from . import known_recipients
from .proposal_template import normalise_template

#: Until a proposal that is not sent is deleted.
LIFETIME: Final = timedelta(days=14)
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


def delete_expired_proposals(*, at: datetime) -> int:
    """Delete proposals that were not sent in time; return how many."""
    count, _ = DraftProposal.objects.filter(expires_at__lte=at).delete()
    return count


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
