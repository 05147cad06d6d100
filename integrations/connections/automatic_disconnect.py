"""
Automatic disconnects: grants not renewed, people who left, consents withdrawn, inactive owners.
Each has its own transaction, so that an error does not delay the others.
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
    Event,
    Integration,
    Message,
    PurgeJob,
    PurgeTrigger,
    StandingConsent,
    SupportAct,
)
from integrations.notifications import owner_notices
from integrations.providers import PROVIDERS
from integrations.providers.local import LOCAL
from limited_use.agreements import consents, shares
from limited_use.models import Consent

logger = logging.getLogger(__name__)

INACTIVE_AFTER = timedelta(days=365)
# Only we tell the owner about these.
_NOTIFIED_TRIGGERS = frozenset(
    {PurgeTrigger.GRANT_ENDED, PurgeTrigger.PERMISSION_WITHDRAWN, PurgeTrigger.INACTIVE}
)
# After the owner's own action consents are withdrawn rather than lapsed.
_OWNER_TRIGGERS = frozenset({PurgeTrigger.OWNER, PurgeTrigger.CONSENT_WITHDRAWN})
# Local calendars: no provider has another copy.
_IS_LOCAL = Q(connection__provider=LOCAL.key)


def disconnect_in_transaction(
    *,
    integration: Integration,
    trigger: PurgeTrigger,
    support_act: SupportAct | None = None,
    at: datetime,
) -> PurgeJob:
    """
    Fence an integration and open its purge.

    The person's last integration of a product also ends the consents to its features, which local
    calendars and those of providers have separately.

    :param support_act: for `PurgeTrigger.SUPPORT`
    :raises purge.AlreadyDisconnected:
    """
    job = purge.open_purge_job(
        integration=integration, trigger=trigger, support_act=support_act, at=at
    )
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
    if is_local:
        return [facts.LOCAL_CALENDAR_CONSENT.feature_key]
    return [feature.key for feature in scopes.list_product_features(product)]


def _end_item_consents(job: PurgeJob, *, at: datetime) -> None:
    item_consents = Consent.objects.filter(
        owner_id=job.user_id, organisation_id=job.organisation_id, withdrawn_at=None
    ).exclude(item=None)
    item_ids = [item for item in item_consents.values_list("item", flat=True) if item is not None]
    if not item_ids:
        return
    messages = Message.objects.filter(integration_id=job.integration_id, id__in=item_ids)
    events = Event.objects.filter(integration_id=job.integration_id, id__in=item_ids)
    standing = StandingConsent.objects.filter(integration_id=job.integration_id, id__in=item_ids)
    items = [
        *messages.values_list("id", flat=True),
        *events.values_list("id", flat=True),
        *standing.values_list("id", flat=True),
    ]
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
    job_ids: list[UUID] = []
    for trigger, ids in _find_due_integrations(at):
        for integration_id in ids:
            try:
                job = _disconnect_integration(integration_id, trigger=trigger, at=at)
            except purge.AlreadyDisconnected:
                continue
            except Exception:
                # A bug with one integration must not delay the others.
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
        # Connection before integration, as in connects and refreshes. The lock also shows a
        # reconnect that came in time.
        Connection.objects.select_for_update(no_key=True).get(id=integration.connection_id)
        if not dict(_find_due_integrations(at))[trigger].filter(id=integration_id).exists():
            raise purge.AlreadyDisconnected
        job = disconnect_in_transaction(integration=integration, trigger=trigger, at=at)
        if trigger in _NOTIFIED_TRIGGERS:
            owner_notices.record_purged(job=job, at=at)
        return job


def _match_without_consent(at: datetime) -> Q:
    """Match provider copies only: a local calendar would be lost."""
    condition = Q()
    for product, required_consent in facts.COPY_CONSENTS.items():
        # A consent to any version counts: after a change of words the owner is asked again, and
        # nothing is deleted.
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
        # A consent that ended without a disconnect: no copy is kept without a consent.
        PurgeTrigger.CONSENT_WITHDRAWN: live.filter(~_IS_LOCAL).filter(_match_without_consent(at)),
        PurgeTrigger.INACTIVE: live.filter(connection__user__last_seen_at__lte=at - INACTIVE_AFTER),
    }
    for trigger, integrations in integrations_by_trigger.items():
        yield trigger, integrations.values_list("id", flat=True)
