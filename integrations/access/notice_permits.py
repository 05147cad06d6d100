"""The permit for a notice in its owner's own mailbox."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from accounts.actors import SYSTEM
from limited_use.access_request import AccessRequest, Permit
from limited_use.guard import guard
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use

from . import facts
from .facts import NoticeChoice

_USE: Final = Use(DataClass.PROFILE, Purpose.NOTIFY_OWNER, Recipient.OWN_PROVIDER)


def to_notify_mailbox(choice: NoticeChoice, *, at: datetime) -> Permit:
    """
    The mailbox sends the notice to its own address, which the permit opens.

    :raises guard.AccessRefused: unless the owner chose this kind in this mailbox, and agreed
    """
    connection_id, holder_facts = facts.for_notice(choice, at=at)
    request = AccessRequest(
        use=_USE,
        holder=connection_id,
        epoch=holder_facts.epoch,
        actor=SYSTEM,
        on_behalf_of=holder_facts.owner_id,
        facts=holder_facts.facts,
        fences=holder_facts.fences,
        feature=facts.MAILBOX_FEATURE,
        count=1,
        account=holder_facts.connection_id,
        names=holder_facts.names,
    )
    return guard.permit(request, at=at)
