"""
What a person agrees to and withdraws, and what follows from it in the same commit.

An agreement that a copy is kept by takes the copy along: withdrawing it disconnects every account
that it was given for, each with a purge and a receipt. A calendar that is stored only in Antares is
no copy. Withdrawing never removes it; its own page does.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from accounts import delegations, memberships
from accounts.models import Delegation
from integrations import endings, scopes
from integrations.models import Connection, Integration, PurgeJob, PurgeTrigger, SyncWork
from integrations.providers.offline import OFFLINE
from integrations.purge import AlreadyDisconnected
from integrations.tasks import connections as tasks
from integrations.tasks import purge as purges
from limited_use import consents, shares
from limited_use.features import FEATURES, Feature
from limited_use.ledger import entries
from limited_use.models import Consent
from limited_use.vocabulary import Purpose


class KeptUntilRemoved(Exception):
    """What it is about exists nowhere else. Lead to the page where its owner removes it."""


class NothingToAgreeTo(Exception):
    """Nothing was connected that it could be about. Connecting is where it is agreed to first."""


def kept_products(feature: Feature) -> frozenset[str]:
    """Return the products (`mail`, …) of which a copy is kept for `feature`."""
    if feature.platform_client or not scopes.is_kept([feature]):
        return frozenset()
    return frozenset(one.partition(".")[0] for one in feature.capabilities)


def kept_for(*, feature: Feature, user_id: UUID, organisation_id: UUID) -> list[Integration]:
    """Return a person's live integrations that withdrawing `feature` would end: copies alone."""
    theirs = Integration.objects.live().owned_by(user_id, organisation_id)
    of_product = theirs.filter(product__in=kept_products(feature)).select_related("connection")
    return list(of_product.exclude(connection__provider=OFFLINE.key).order_by("id"))


def agree_again(
    *, feature: str, version: int, user_id: UUID, organisation_id: UUID, at: datetime
) -> None:
    """
    Agree to what a feature says now, having agreed to what it said before. What waited goes on.

    :raises consents.Outdated: if that is not the version which stands now
    :raises NothingToAgreeTo: if there is no earlier agreement
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
            raise NothingToAgreeTo
        memberships.lock_memberships(user_ids=[user_id], organisation_id=organisation_id)
        kept = kept_for(feature=FEATURES[feature], user_id=user_id, organisation_id=organisation_id)
        _hold_integrations(kept)
        consents.give(
            person_id=user_id,
            organisation_id=organisation_id,
            feature=feature,
            version=version,
            at=at,
        )
        works = SyncWork.objects.filter(integration__in=kept)
        for work in works.select_for_update(no_key=True, of=("self",)).order_by("id"):
            work.next_sync_at = at
            work.save(update_fields=["next_sync_at"])
            transaction.on_commit(partial(tasks.queue_sync, work.id), robust=True)


def withdraw(*, feature: str, user_id: UUID, organisation_id: UUID, at: datetime) -> list[PurgeJob]:
    """
    Withdraw the agreement to `feature`, and end what is kept by it; return the purges promised.

    From the commit on nothing is shown, fetched or opened for it. Whatever else was agreed to about
    the same copies ends with them.

    :raises KeptUntilRemoved: if it is about calendars that are stored only in Antares
    """
    if FEATURES[feature].kept_until_removed:
        raise KeptUntilRemoved
    jobs: list[PurgeJob] = []
    with transaction.atomic(durable=True):
        # Held as a connect holds it: what one is bringing in is either ended here or not yet begun.
        memberships.lock_memberships(user_ids=[user_id], organisation_id=organisation_id)
        kept = kept_for(feature=FEATURES[feature], user_id=user_id, organisation_id=organisation_id)
        _hold_connections(kept)
        for integration in kept:
            try:
                job = endings.end(
                    integration=integration, trigger=PurgeTrigger.CONSENT_WITHDRAWN, at=at
                )
            except AlreadyDisconnected:
                continue
            jobs.append(job)
            transaction.on_commit(partial(purges.queue, job.id), robust=True)
        # What is left of it: `endings.end` withdraws with the last of a product.
        consents.withdraw(
            person_id=user_id, organisation_id=organisation_id, feature=feature, at=at
        )
        if FEATURES[feature].declares(Purpose.CALENDAR_SHARE):
            # Or agreeing again would show again what nobody thinks of any more.
            shares.end_of_owner(person_id=user_id, organisation_id=organisation_id, at=at)
    return jobs


def withdraw_item(*, consent_id: UUID, user_id: UUID, organisation_id: UUID, at: datetime) -> bool:
    """Withdraw one agreement of the person's own, about one item; return whether it stood."""
    with transaction.atomic(durable=True):
        theirs = Consent.objects.filter(owner_id=user_id, organisation_id=organisation_id)
        given = theirs.filter(id=consent_id, item__isnull=False).first()
        return given is not None and consents.withdraw(
            person_id=user_id,
            organisation_id=organisation_id,
            feature=given.feature,
            item=given.item,
            at=at,
        )


def switch_on(
    *, feature: str, version: int, user_id: UUID, organisation_id: UUID, at: datetime
) -> Delegation:
    """
    Switch a platform feature on for a person who has just read version `version` of its words.

    One that is on under older words is switched off first: its tokens end with them.

    :raises consents.Outdated: if that is not the version which stands now
    :raises memberships.NotAMember: if they do not belong to the organisation
    :raises delegations.AlreadyOn: if it is on under these words
    """
    declared = FEATURES.get(feature)
    if declared is None or declared.version != version or not _may_be_switched(declared):
        raise consents.Outdated(feature)
    with transaction.atomic(durable=True):
        live = Delegation.objects.live().of(user_id, organisation_id).filter(feature=feature)
        older = live.exclude(feature_version=version).first()
        if older is not None:
            _switch_off(older.id, user_id=user_id, at=at)
        delegation = delegations.switch_on(
            user_id=user_id,
            organisation_id=organisation_id,
            feature=feature,
            feature_version=version,
            at=at,
        )
        _record("delegation.switched_on", delegation, at)
    return delegation


def switch_off(*, delegation_id: UUID, user_id: UUID, at: datetime) -> None:
    """
    Switch a platform feature off. Its tokens are refused at their next call.

    :raises delegations.NotOn: if it is not on, or not theirs
    """
    with transaction.atomic(durable=True):
        _switch_off(delegation_id, user_id=user_id, at=at)


def _switch_off(delegation_id: UUID, *, user_id: UUID, at: datetime) -> None:
    delegation = delegations.switch_off(delegation_id=delegation_id, user_id=user_id, at=at)
    _record("delegation.switched_off", delegation, at)


def _may_be_switched(feature: Feature) -> bool:
    return feature.platform_client and bool(feature.purposes)


def _record(event: str, delegation: Delegation, at: datetime) -> None:
    entries.record(
        event=event,
        about=delegation.id,
        body={
            "feature": delegation.feature,
            "version": delegation.feature_version,
            "owner": entries.pseudonym(delegation.user_id),
        },
        at=at,
    )


def _hold_connections(integrations: Iterable[Integration]) -> None:
    """Lock their connections before the first of them ends: see the lock order in the README."""
    ids = {integration.connection_id for integration in integrations}
    held = Connection.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True)
    list(held.values_list("id"))


def _hold_integrations(integrations: Iterable[Integration]) -> None:
    """Lock them before rows that hang on them, in the order of their ids."""
    ids = [integration.id for integration in integrations]
    held = Integration.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True)
    list(held.values_list("id"))
