"""
Consents, given and withdrawn by the person, and kept for ever.

The actor gives and withdraws only their own; a use looks up the consent of the data's owner. Both
happen inside the caller's transaction. Withdrawal and expiry are fences, by the epoch that
permits carry.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.memberships import NotAMember
from accounts.models import Membership
from limited_use.access_request import Fence, FenceKind
from limited_use.ledger import entries
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES, UndeclaredUse
from limited_use.policy.policy_vocabulary import Purpose, Recipient


class ConsentMissing(Exception):
    """
    The person did not agree to the current version of a declaration.

    :param subject: key of the feature, or of the product with several features
    """

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.subject = subject


class DeclarationOutdated(Exception):
    """The agreed version has changed. Show the current one and ask again."""


class ConsentNeedsEnd(Exception):
    """Consent to one item needs an end in the future."""


def give(  # noqa: PLR0913 - what is agreed to, part by part, each by name
    *,
    person_id: UUID,
    organisation_id: UUID,
    feature: str,
    version: int,
    at: datetime,
    purpose: Purpose | str = "",
    recipient: Recipient | str = "",
    item: UUID | None = None,
    reader_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> Consent:
    """
    Record consent to version `version` of a feature's declaration.

    Repeating changes nothing; another version, reader or end replaces the older consent.

    :param purpose: blank: all that the feature declares
    :param recipient: blank: as the feature declares
    :param item: our id of the only covered item
    :param reader_id: the only agent of support who may read it
    :raises DeclarationOutdated, UndeclaredUse, ConsentNeedsEnd, NotAMember:
    """
    _check_declaration(feature, version, purpose, recipient)
    if expires_at is None:
        if item is not None:
            raise ConsentNeedsEnd
    elif expires_at <= at:
        raise ConsentNeedsEnd
    # Lock the membership, so that one person's changes have an order.
    members = Membership.objects.live().filter(user_id=person_id, organisation_id=organisation_id)
    if not members.select_for_update(no_key=True).exists():
        raise NotAMember
    live = (
        _filter_live(person_id, organisation_id, feature)
        .filter(purpose=purpose, recipient=recipient, item=item)
        .select_for_update(no_key=True)
        .first()
    )
    if live is not None:
        same = (live.version, live.reader_id, live.expires_at) == (version, reader_id, expires_at)
        if same and live.is_live(at):
            return live
        _end_consent(live, event="consent.replaced", at=at)
    consent = Consent.objects.create(
        owner_id=person_id,
        organisation_id=organisation_id,
        feature=feature,
        purpose=purpose,
        recipient=recipient,
        item=item,
        reader_id=reader_id,
        version=version,
        given_at=at,
        expires_at=expires_at,
    )
    _record_entry("consent.given", consent, at)
    return consent


def withdraw(  # noqa: PLR0913 - the same parts
    *,
    person_id: UUID,
    organisation_id: UUID,
    feature: str,
    at: datetime,
    purpose: Purpose | str = "",
    recipient: Recipient | str = "",
    item: UUID | None = None,
) -> bool:
    """
    Withdraw a consent, and any wider one that covers it; return whether there was one.

    Too much ends, never too little. Blank purpose or recipient: every one.

    :param item: None: the whole feature, with items
    """
    covering_consents = _filter_live(person_id, organisation_id, feature)
    if purpose:
        covering_consents = covering_consents.filter(purpose__in=["", purpose])
    if recipient:
        covering_consents = covering_consents.filter(recipient__in=["", recipient])
    if item is not None:
        covering_consents = covering_consents.filter(Q(item=None) | Q(item=item))
    return _end_consents(covering_consents, event="consent.withdrawn", at=at)


def end_feature_consents(
    *,
    owner_id: UUID,
    organisation_id: UUID,
    feature: str,
    at: datetime,
    items: Collection[UUID] | None = None,
) -> bool:
    """
    End consents to `feature` because their subject has ended.

    :param items: None: all consents to the feature
    """
    consents = _filter_live(owner_id, organisation_id, feature)
    if items is not None:
        consents = consents.filter(item__in=items)
    return _end_consents(consents, event="consent.lapsed", at=at)


def find_item_consent(
    *, owner_id: UUID, organisation_id: UUID, feature: str, item: UUID, at: datetime
) -> Consent | None:
    """
    Return the owner's live consent to `feature` for this very item.

    :param owner_id: as found in the database, never as a caller claims
    """
    declared = FEATURES.get(feature)
    if declared is None:
        return None
    return (
        _filter_live(owner_id, organisation_id, feature)
        .filter(item=item, version=declared.version, given_at__lte=at, expires_at__gt=at)
        .order_by("-id")
        .first()
    )


def lock_consent(fence: Fence, *, at: datetime) -> bool:
    """Lock the consent of a fence for the rest of the transaction; return whether it is live."""
    same = Consent.objects.filter(id=fence.id, epoch=fence.epoch, withdrawn_at=None)
    consent = same.select_for_update(no_key=True).first()
    return consent is not None and consent.is_live(at)


def make_fence(consent: Consent) -> Fence:
    return Fence(FenceKind.CONSENT, consent.id, consent.epoch)


def list_consents(*, owner_id: UUID, organisation_id: UUID) -> QuerySet[Consent]:
    consents = Consent.objects.filter(owner_id=owner_id, organisation_id=organisation_id)
    return consents.order_by("-given_at", "-id")


def list_agreed_features(*, owner_id: UUID, organisation_id: UUID) -> frozenset[str]:
    """Return the keys of features with a consent to the whole feature that was not withdrawn."""
    live_consents = Consent.objects.filter(
        owner_id=owner_id, organisation_id=organisation_id, item=None, withdrawn_at=None
    )
    return frozenset(live_consents.values_list("feature", flat=True))


def list_outdated_features(
    *, owner_id: UUID, organisation_id: UUID, at: datetime
) -> frozenset[str]:
    """Return the keys of features whose declaration changed since the person agreed to them."""
    newest: dict[str, Consent] = {}
    for consent in list_consents(owner_id=owner_id, organisation_id=organisation_id):
        if consent.item is None:
            newest.setdefault(consent.feature, consent)
    return frozenset(
        key
        for key, consent in newest.items()
        if (feature := FEATURES.get(key)) is not None
        and feature.purposes
        and consent.is_live(at)
        and consent.version != feature.version
    )


def _check_declaration(feature: str, version: int, purpose: str, recipient: str) -> None:
    declared = FEATURES.get(feature)
    if declared is None or declared.version != version:
        raise DeclarationOutdated(feature)
    if purpose and not declared.declares_use(purpose):
        raise UndeclaredUse(f"{feature} does not declare {purpose}")
    if recipient and recipient not in set(Recipient):
        raise UndeclaredUse(f"{recipient} is no recipient")


def _filter_live(owner_id: UUID, organisation_id: UUID, feature: str) -> QuerySet[Consent]:
    return Consent.objects.filter(
        owner_id=owner_id, organisation_id=organisation_id, feature=feature, withdrawn_at=None
    )


def _end_consents(consents: QuerySet[Consent], *, event: str, at: datetime) -> bool:
    live = list(consents.order_by("id").select_for_update(no_key=True))
    for consent in live:
        _end_consent(consent, event=event, at=at)
    return bool(live)


def _end_consent(consent: Consent, *, event: str, at: datetime) -> None:
    if not consent.withdraw(at=at):
        # The history has the time of expiry.
        event = "consent.expired"
    _record_entry(event, consent, at)


def _record_entry(event: str, consent: Consent, at: datetime) -> None:
    entries.record_ledger_event(
        event=event,
        about=consent.id,
        body={
            "feature": consent.feature,
            "version": consent.version,
            "owner": entries.get_ledger_pseudonym(consent.owner_id),
            **({"purpose": consent.purpose} if consent.purpose else {}),
            **({"recipient": consent.recipient} if consent.recipient else {}),
            **({"item": entries.get_ledger_pseudonym(consent.item)} if consent.item else {}),
            **(
                {"agent": entries.get_ledger_pseudonym(consent.reader_id)}
                if consent.reader_id
                else {}
            ),
        },
        at=at,
    )
