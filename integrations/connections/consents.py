"""
Give and withdraw consents, with their consequences in the same commit.

Withdrawal disconnects dependent copies and Drives, each with a purge and a receipt. A local
calendar is no copy: only its own page removes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import delegations, memberships
from accounts.models import Delegation
from integrations.access import scopes
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.drive import standing_consent_ends
from integrations.models import (
    Connection,
    DraftProposal,
    Integration,
    PurgeJob,
    PurgeTrigger,
    SyncWork,
)
from integrations.outbox import commands, notice_mail
from integrations.providers.local import LOCAL
from integrations.purge import AlreadyDisconnected, feature_removals
from limited_use.agreements import consents, shares
from limited_use.ledger import entries
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.policy.policy_vocabulary import Purpose

from . import automatic_disconnect


class OnInOtherOrganisation(Exception):
    """The person allowed the feature in another organisation than that of the session."""


class LocalCalendarsExist(Exception):
    """Calendars are stored only in Antares. Show the page where their owner removes them."""


class NoEarlierConsent(Exception):
    """The person never consented to the feature. Connecting an account asks first."""


def get_dependent_products(feature: Feature) -> frozenset[str]:
    """Return the products that a withdrawal disconnects."""
    if feature.platform_client:
        return frozenset()
    products = {capability.partition(".")[0] for capability in feature.capabilities}
    return frozenset(
        product for product in products if scopes.is_product_served(product, [feature])
    )


def list_dependent_integrations(
    *, feature: Feature, user_id: UUID, organisation_id: UUID
) -> list[Integration]:
    own_integrations = Integration.objects.live().owned_by(user_id, organisation_id)
    of_product = own_integrations.filter(
        product__in=get_dependent_products(feature)
    ).select_related("connection")
    return list(of_product.exclude(connection__provider=LOCAL.key).order_by("id"))


def renew_consent(
    *, feature: str, version: int, user_id: UUID, organisation_id: UUID, at: datetime
) -> None:
    """
    Renew an earlier consent; paused syncs continue.

    :raises consents.DeclarationOutdated, NoEarlierConsent:
    """
    with transaction.atomic(durable=True):
        earlier = Consent.objects.filter(
            owner_id=user_id,
            organisation_id=organisation_id,
            feature=feature,
            item=None,
            withdrawn_at=None,
        )
        if not earlier.exists():
            raise NoEarlierConsent
        memberships.lock_memberships(user_ids=[user_id], organisation_id=organisation_id)
        integrations = list_dependent_integrations(
            feature=FEATURES[feature], user_id=user_id, organisation_id=organisation_id
        )
        _lock_integrations(integrations)
        consents.give(
            person_id=user_id,
            organisation_id=organisation_id,
            feature=feature,
            version=version,
            at=at,
        )
        work_items = SyncWork.objects.filter(integration__in=integrations)
        for work in work_items.select_for_update(no_key=True, of=("self",)).order_by("id"):
            work.next_sync_at = at
            work.save(update_fields=["next_sync_at"])
            enqueue_on_commit("integrations.sync_mail", work_id=work.id)


def agree_in_context(
    *, feature: str, version: int, user_id: UUID, organisation_id: UUID, at: datetime
) -> None:
    """
    Record the consent to a feature that is asked for when the person first uses it.

    :raises consents.DeclarationOutdated: also if the feature is asked for elsewhere
    """
    declared = FEATURES.get(feature)
    if declared is None or not declared.asked_in_context:
        raise consents.DeclarationOutdated(feature)
    with transaction.atomic(durable=True):
        memberships.lock_memberships(user_ids=[user_id], organisation_id=organisation_id)
        consents.give(
            person_id=user_id,
            organisation_id=organisation_id,
            feature=feature,
            version=version,
            at=at,
        )


def withdraw_consent(
    *, feature: str, user_id: UUID, organisation_id: UUID, at: datetime
) -> list[PurgeJob]:
    """
    Disconnect dependent copies and Drives; return their purges.

    After the commit nothing is shown, fetched or opened for the feature. Other consents to the
    same copies end, too.

    :raises LocalCalendarsExist: if the feature is about calendars stored only in Antares
    """
    if FEATURES[feature].kept_until_removed:
        raise LocalCalendarsExist
    jobs: list[PurgeJob] = []
    with transaction.atomic(durable=True):
        # Connects lock the membership too: an integration either is seen now, or is created after
        # this.
        memberships.lock_memberships(user_ids=[user_id], organisation_id=organisation_id)
        integrations = list_dependent_integrations(
            feature=FEATURES[feature], user_id=user_id, organisation_id=organisation_id
        )
        _lock_connections(integrations)
        for integration in integrations:
            try:
                job = automatic_disconnect.disconnect_in_transaction(
                    integration=integration, trigger=PurgeTrigger.CONSENT_WITHDRAWN, at=at
                )
            except AlreadyDisconnected:
                continue
            jobs.append(job)
            enqueue_on_commit("integrations.purge_integration", job_id=job.id)
        # The disconnect above withdraws with a product's last integration; this withdraws the rest.
        consents.withdraw(
            person_id=user_id, organisation_id=organisation_id, feature=feature, at=at
        )
        if FEATURES[feature].declares_use(Purpose.MAIL_SEND):
            commands.stop_person_messages(user_id=user_id, organisation_id=organisation_id, at=at)
        if FEATURES[feature].declares_use(Purpose.NOTIFY_OWNER):
            notice_mail.stop_queued_notices(user_id=user_id, organisation_id=organisation_id, at=at)
        if FEATURES[feature].declares_use(Purpose.CALENDAR_SHARE):
            # Otherwise a later consent would revive forgotten shares.
            shares.end_owner_shares(person_id=user_id, organisation_id=organisation_id, at=at)
    return jobs


def withdraw_item_consent(
    *, consent_id: UUID, user_id: UUID, organisation_id: UUID, at: datetime
) -> bool:
    with transaction.atomic(durable=True):
        own_consents = Consent.objects.filter(owner_id=user_id, organisation_id=organisation_id)
        consent = own_consents.filter(id=consent_id, item__isnull=False).first()
        return consent is not None and consents.withdraw(
            person_id=user_id,
            organisation_id=organisation_id,
            feature=consent.feature,
            item=consent.item,
            at=at,
        )


def switch_on_feature(
    *, feature: str, version: int, user_id: UUID, organisation_id: UUID, at: datetime
) -> Delegation:
    """
    A delegation to an older version is switched off first, with its tokens.

    :param version: of the declaration that the person has read
    :raises consents.DeclarationOutdated, memberships.NotAMember:
    :raises delegations.DelegationExists: if this version is on
    """
    declared = FEATURES.get(feature)
    if declared is None or declared.version != version or not _is_switchable(declared):
        raise consents.DeclarationOutdated(feature)
    with transaction.atomic(durable=True):
        memberships.lock_memberships(user_ids=[user_id], organisation_id=organisation_id)
        live = Delegation.objects.live().of(user_id, organisation_id).filter(feature=feature)
        older = live.exclude(feature_version=version).first()
        if older is not None:
            _switch_off_delegation(older.id, user_id=user_id, at=at)
        feature_removals.issue_missing_removals(
            user_id=user_id, organisation_id=organisation_id, feature=feature, at=at
        )
        delegation = delegations.switch_delegation_on(
            user_id=user_id,
            organisation_id=organisation_id,
            feature=feature,
            feature_version=version,
            at=at,
        )
        _record_delegation("delegation.switched_on", delegation, at)
    return delegation


def switch_off_feature(
    *, delegation_id: UUID, user_id: UUID, organisation_id: UUID, at: datetime
) -> None:
    """
    The feature's tokens are refused at their next call.

    :param organisation_id: of the session, which sees the rows of no other organisation: what has
        to end with the delegation would stay
    :raises OnInOtherOrganisation:
    :raises delegations.DelegationNotLive: if it is not on, or another person's
    """
    live = Delegation.objects.live().filter(id=delegation_id, user_id=user_id)
    if live.exclude(organisation_id=organisation_id).exists():
        raise OnInOtherOrganisation
    with transaction.atomic(durable=True):
        _switch_off_delegation(delegation_id, user_id=user_id, at=at)


def _switch_off_delegation(delegation_id: UUID, *, user_id: UUID, at: datetime) -> None:
    delegation = delegations.switch_delegation_off(
        delegation_id=delegation_id, user_id=user_id, at=at
    )
    # Only drafts that the owner has opened are the owner's.
    DraftProposal.objects.filter(delegation_id=delegation.id, opened_at=None).delete()
    standing_consent_ends.stop_feature(delegation, at=at)
    feature_removals.issue_delegation_removals(delegation, at=at)
    _record_delegation("delegation.switched_off", delegation, at)


def _is_switchable(feature: Feature) -> bool:
    return feature.platform_client and bool(feature.purposes)


def _record_delegation(event: str, delegation: Delegation, at: datetime) -> None:
    entries.record_ledger_event(
        event=event,
        about=delegation.id,
        body={
            "feature": delegation.feature,
            "version": delegation.feature_version,
            "owner": entries.get_ledger_pseudonym(delegation.user_id),
        },
        at=at,
    )


def _lock_connections(integrations: Iterable[Integration]) -> None:
    """Lock them before the first integration ends: see "Lock order" in the README."""
    ids = {integration.connection_id for integration in integrations}
    locked_connections = (
        Connection.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True)
    )
    list(locked_connections.values_list("id"))


def _lock_integrations(integrations: Iterable[Integration]) -> None:
    """Lock by id, before rows that refer to integrations."""
    ids = [integration.id for integration in integrations]
    locked_integrations = (
        Integration.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True)
    )
    list(locked_integrations.values_list("id"))
