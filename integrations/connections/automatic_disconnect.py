"""
How a connection ends that its owner did not end by hand: each way is a disconnect with a reason.

A sweep finds what is over and opens its purge, one transaction each, so that one
that fails holds no other up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership
from integrations import purge
from integrations.access import facts, scopes
from integrations.models import (
    Calendar,
    Connection,
    Integration,
    Message,
    PurgeJob,
    PurgeTrigger,
)
from integrations.notifications import owner_notices
from integrations.providers import PROVIDERS
from integrations.providers.local import LOCAL
from limited_use.agreements import consents, shares
from limited_use.models import Consent

logger = logging.getLogger(__name__)

INACTIVE_AFTER = timedelta(days=365)
# Of these ends nobody else tells the owner.
_NOTIFIED_TRIGGERS = frozenset(
    {PurgeTrigger.GRANT_ENDED, PurgeTrigger.PERMISSION_WITHDRAWN, PurgeTrigger.INACTIVE}
)
# Of these the owner is the one who acts: what they agreed to is withdrawn, and not merely over.
_OWNER_TRIGGERS = frozenset({PurgeTrigger.OWNER, PurgeTrigger.CONSENT_WITHDRAWN})
# Calendars that are stored only in Antares: no provider has another copy.
_IS_LOCAL = Q(connection__provider=LOCAL.key)


def disconnect_in_transaction(
    *, integration: Integration, trigger: PurgeTrigger, at: datetime
) -> PurgeJob:
    """
    Fence an integration off and promise its purge, in the caller's transaction.

    With a person's last integration of a product ends their consent to what it was for. Calendars
    stored only in Antares and those of providers count apart: neither rests on the other.

    :raises purge.AlreadyDisconnected: if it is not live any more
    """
    job = purge.open_job(integration=integration, trigger=trigger, at=at)
    is_local = not PROVIDERS[integration.connection.provider].grants
    live = Integration.objects.live().owned_by(job.user_id, job.organisation_id)
    of_product = live.filter(product=integration.product)
    remaining = of_product.filter(_IS_LOCAL if is_local else ~_IS_LOCAL)
    if not remaining.exists():
        for key in _list_served_features(integration.product, is_local=is_local):
            _end_consent(job, key, by_owner=trigger in _OWNER_TRIGGERS, at=at)
    _end_item_consents(job, at=at)
    calendars = Calendar.objects.filter(integration_id=job.integration_id)
    shares.end_item_shares(items=list(calendars.values_list("id", flat=True)), at=at)
    return job


def _list_served_features(product: str, *, is_local: bool) -> list[str]:
    """Return the keys of the features that an integration of `product` is there for."""
    if is_local:
        return [facts.LOCAL_CALENDAR_CONSENT.feature_key]
    return [feature.key for feature in scopes.features_for(product)]


def _end_item_consents(job: PurgeJob, *, at: datetime) -> None:
    """End what its owner agreed to about single messages of it: nobody can open them any more."""
    item_consents = Consent.objects.filter(
        owner_id=job.user_id, organisation_id=job.organisation_id, withdrawn_at=None
    ).exclude(item=None)
    messages = Message.objects.filter(
        integration_id=job.integration_id, id__in=list(item_consents.values_list("item", flat=True))
    )
    items = list(messages.values_list("id", flat=True))
    for feature in sorted(
        set(item_consents.filter(item__in=items).values_list("feature", flat=True))
    ):
        consents.end_feature_consents(
            owner_id=job.user_id,
            organisation_id=job.organisation_id,
            feature=feature,
            items=items,
            at=at,
        )


def _end_consent(job: PurgeJob, feature: str, *, by_owner: bool, at: datetime) -> None:
    person_id, organisation_id = job.user_id, job.organisation_id
    if by_owner:
        consents.withdraw(
            person_id=person_id, organisation_id=organisation_id, feature=feature, at=at
        )
    else:
        consents.end_feature_consents(
            owner_id=person_id, organisation_id=organisation_id, feature=feature, at=at
        )


def disconnect_due_integrations(*, at: datetime) -> list[UUID]:
    """Open the purges of everything that is over by now, and return their job ids."""
    job_ids: list[UUID] = []
    for trigger, ids in _find_due_integrations(at):
        for integration_id in ids:
            try:
                job = _disconnect_integration(integration_id, trigger=trigger, at=at)
            except purge.AlreadyDisconnected:
                continue
            except Exception:
                # A bug with one must not keep the others here for ever.
                logger.exception("integration.not_ended", extra={"integration_id": integration_id})
                continue
            job_ids.append(job.id)
            logger.info(
                "integration.ended", extra={"integration_id": integration_id, "trigger": trigger}
            )
            if trigger in _NOTIFIED_TRIGGERS:
                owner_notices.send_purged_notice(job=job, at=at)
    return job_ids


def _disconnect_integration(
    integration_id: UUID, *, trigger: PurgeTrigger, at: datetime
) -> PurgeJob:
    with transaction.atomic(durable=True):
        integration = Integration.objects.get(id=integration_id)
        # The connection first, as a connect and a refresh do; and with it held, a
        # reconnect that came in time is seen.
        Connection.objects.select_for_update(no_key=True).get(id=integration.connection_id)
        if not dict(_find_due_integrations(at))[trigger].filter(id=integration_id).exists():
            raise purge.AlreadyDisconnected
        job = disconnect_in_transaction(integration=integration, trigger=trigger, at=at)
        if trigger in _NOTIFIED_TRIGGERS:
            owner_notices.record_purged(connection_id=integration.connection_id, at=at)
        return job


def _match_without_consent(at: datetime) -> Q:
    """
    Return what finds copies that their owner agrees to no more, by what each is kept by.

    Of what a provider gave. A calendar that is stored only in Antares is no copy: it would be lost.
    """
    condition = Q()
    for product, required_consent in facts.COPY_CONSENTS.items():
        # To any of its words: those that changed are asked for again; nothing goes meanwhile.
        live_consents = Consent.objects.filter(
            owner_id=OuterRef("connection__user_id"),
            organisation_id=OuterRef("connection__organisation_id"),
            feature=required_consent.feature_key,
            item=None,
            withdrawn_at=None,
        ).exclude(expires_at__lte=at)
        condition |= Q(~Exists(live_consents), product=product)
    return condition


def _find_due_integrations(
    at: datetime,
) -> Iterator[tuple[PurgeTrigger, QuerySet[Integration, UUID]]]:
    """Return, by trigger, the ids of live integrations that have to end."""
    live = Integration.objects.live().order_by("id")
    memberships = Membership.objects.live().filter(
        user_id=OuterRef("connection__user_id"),
        organisation_id=OuterRef("connection__organisation_id"),
    )
    integrations_by_trigger = {
        PurgeTrigger.GRANT_ENDED: live.overdue_for_reconnect(at - owner_notices.get_grace_period()),
        PurgeTrigger.PERMISSION_WITHDRAWN: live.overdue_for_permission(
            at - owner_notices.get_grace_period()
        ),
        PurgeTrigger.DEACTIVATED: live.filter(connection__user__is_active=False),
        PurgeTrigger.ORGANISATION_CLOSED: live.filter(
            connection__user__is_active=True, connection__organisation__closed_at__isnull=False
        ),
        PurgeTrigger.LEFT_ORGANISATION: live.filter(
            ~Exists(memberships),
            connection__user__is_active=True,
            connection__organisation__closed_at=None,
        ),
        # Withdrawn where this was not known to follow: no copy is kept that nobody agreed to.
        PurgeTrigger.CONSENT_WITHDRAWN: live.filter(~_IS_LOCAL).filter(_match_without_consent(at)),
        PurgeTrigger.INACTIVE: live.filter(connection__user__last_seen_at__lte=at - INACTIVE_AFTER),
    }
    for trigger, integrations in integrations_by_trigger.items():
        yield trigger, integrations.values_list("id", flat=True)
