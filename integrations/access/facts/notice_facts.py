"""The fact that an owner chose their mailbox for a kind of notices, by id."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from accounts.actors import SYSTEM
from integrations.models import LIVE, NoticeChannel, NoticePreference
from limited_use.agreements import consents
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Fact, Purpose, Recipient

from .connection_facts import for_connections
from .fact_types import NO_FACTS, HolderFacts

#: People agree to this feature before notices go to their mailbox.
MAILBOX_FEATURE: Final = "mailbox-notices"


@dataclass(frozen=True, slots=True)
class NoticeChoice:
    """:param kind: key of a `NoticeKindSpec`"""

    integration_id: UUID
    kind: str


def for_notice(choice: NoticeChoice, *, at: datetime) -> tuple[UUID, HolderFacts]:
    """
    Return the mailbox's connection, with its facts.

    Without a live mailbox that its owner chose for this kind, and without their agreement, the
    notice is not chosen. An unknown mailbox has no facts, and its own id.
    """
    preference = (
        NoticePreference.objects.filter(
            integration_id=choice.integration_id,
            kind=choice.kind,
            channel=NoticeChannel.MAILBOX,
            integration__status__in=LIVE,
        )
        .select_related("integration__connection")
        .first()
    )
    if preference is None or preference.integration is None:
        return choice.integration_id, NO_FACTS
    connection = preference.integration.connection
    holder_facts = for_connections([connection.id], actor=SYSTEM)[connection.id]
    is_own = (preference.user_id, preference.organisation_id) == (
        connection.user_id,
        connection.organisation_id,
    )
    consent = _find_agreement(connection.user_id, connection.organisation_id, at)
    if not is_own or consent is None:
        return connection.id, holder_facts
    return connection.id, replace(
        holder_facts,
        facts=holder_facts.facts | {Fact.NOTIFICATION_CHOSEN},
        fences=(*holder_facts.fences, consents.make_fence(consent)),
    )


def is_mailbox_agreed(*, user_id: UUID, organisation_id: UUID, at: datetime) -> bool:
    """Return whether the person agrees to the current version of notices in their mailbox."""
    return _find_agreement(user_id, organisation_id, at) is not None


def _find_agreement(user_id: UUID, organisation_id: UUID, at: datetime) -> Consent | None:
    return (
        Consent.objects.filter(
            Q(expires_at=None) | Q(expires_at__gt=at),
            owner_id=user_id,
            organisation_id=organisation_id,
            feature=MAILBOX_FEATURE,
            version=FEATURES[MAILBOX_FEATURE].version,
            purpose__in=["", Purpose.NOTIFY_OWNER],
            recipient__in=["", Recipient.OWN_PROVIDER],
            item=None,
            withdrawn_at=None,
        )
        .order_by("id")
        .first()
    )
