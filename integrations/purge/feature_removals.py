"""
Tells platform features what to delete, in the transaction of the fence or of the deletion.

Each feature that ever received data of the integration (`access.feature_reads`) has to acknowledge
that it deleted its copies: everything of the integration, or the items that are named. The rows
outlive the integration, and contain ids of ours and times only.

An item counts as removed when Antares no longer has it: after a deletion at the provider, and when
mail is older than its horizon or a calendar's copy ends. So no copy outlives ours.

A removal that no client has listed takes further items; a listed one never changes. A row that a
client is listing is skipped, not waited for: issuers and clients lock rows in different orders.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, F, Func, OuterRef, QuerySet, Value

from accounts.ids import uuid7
from accounts.models import Delegation, Membership
from integrations.access import fences
from integrations.models import (
    MAX_REMOVED_ITEMS,
    FeatureRead,
    FeatureRemoval,
    Integration,
    PurgeTrigger,
    RemovalReason,
)
from limited_use.ledger import entries, pseudonyms

from . import removal_deadlines

logger = logging.getLogger(__name__)

#: A feature acknowledges a removal within this time.
ACKNOWLEDGED_WITHIN: Final = timedelta(hours=24)
# Items that end later get another removal, so that each has nearly the whole time.
_EXTENDED_FOR: Final = timedelta(hours=1)

#: Issuing twice owes one removal. A feature that is switched off, on and off again owes two, if it
#: read in between: each has its own due time. The predicate is that of the constraint
#: `removal_open_once_per_reason`.
_INSERT_WHOLE: Final = """
INSERT INTO integrations_featureremoval AS r (id, feature, user_id, organisation_id, connection_id,
    integration_id, product, delegation_id, reason, item_ids, last_read_at, issued_at, due_at)
SELECT n.id, f.feature, f.user_id, f.organisation_id, i.connection_id, f.integration_id, i.product,
       f.delegation_id, %(reason)s, '{}', f.last_read_at, %(at)s, %(due_at)s
  FROM unnest(%(ids)s::uuid[], %(reads)s::uuid[]) AS n (id, read_id)
  JOIN integrations_featureread AS f ON f.id = n.read_id
  JOIN integrations_integration AS i ON i.id = f.integration_id
    ON CONFLICT (integration_id, feature, reason, delegation_id)
       WHERE acknowledged_at IS NULL AND NOT reason IN ('deleted_at_provider', 'no_longer_kept')
       DO NOTHING
RETURNING r.integration_id, r.feature
"""


def issue_integration_removals(
    integration: Integration, *, trigger: PurgeTrigger, at: datetime
) -> list[UUID]:
    """
    Tell each feature that read `integration` to delete its copies; return the ledger entries.

    :param integration: locked and fenced by the caller: no read begins after this
    """
    reason = (
        RemovalReason.WITHDRAWN
        if trigger is PurgeTrigger.CONSENT_WITHDRAWN
        else RemovalReason.DISCONNECTED
    )
    reads = list(FeatureRead.objects.filter(integration=integration).order_by("feature"))
    return _issue_whole(reads, reason, at=at)


def issue_delegation_removals(delegation: Delegation, *, at: datetime) -> None:
    """
    Tell the feature of a delegation to delete its copies of each integration that it read with it.

    What it read with an earlier delegation was told when that one ended, before this one began
    (`issue_missing_removals`), or by the purge if the person left.

    :param delegation: locked and switched off by the caller: no read begins after this
    """
    reads = FeatureRead.objects.filter(
        delegation_id=delegation.id, integration__in=Integration.objects.live()
    )
    _issue_whole(list(reads.order_by("integration_id")), RemovalReason.SWITCHED_OFF, at=at)


def issue_missing_removals(
    *, user_id: UUID, organisation_id: UUID, feature: str, at: datetime
) -> None:
    """
    Tell a feature that is about to be switched on again what to delete of an earlier delegation.

    :param at: time of the switch: the feature has read nothing with the new delegation yet
    """
    reads = _filter_untold_reads(at=at).filter(
        user_id=user_id, organisation_id=organisation_id, feature=feature
    )
    _issue_whole(list(reads.order_by("integration_id")), RemovalReason.SWITCHED_OFF, at=at)


def issue_removals_after_return(*, at: datetime) -> None:
    """
    Tell features whose delegation ended when a person left an organisation and came back.

    The person came back before the sweep of memberships, so no disconnect told them. A failure does
    not stop the others.
    """
    returned = Membership.objects.live().filter(
        user_id=OuterRef("user_id"), organisation_id=OuterRef("organisation_id")
    )
    untold = _filter_untold_reads(at=at).filter(Exists(returned))
    for integration_id in sorted(set(untold.values_list("integration_id", flat=True))):
        try:
            with transaction.atomic():
                fences.lock_live_integration(integration_id)
                # Under the lock: before it, a feature may have read with another delegation.
                reads = untold.filter(integration_id=integration_id).order_by("feature")
                _issue_whole(list(reads), RemovalReason.SWITCHED_OFF, at=at)
        except fences.NotConnectedError:
            # The disconnect told them.
            continue
        except Exception:
            logger.exception("removal.not_issued", extra={"about": integration_id})


def _filter_untold_reads(*, at: datetime) -> QuerySet[FeatureRead]:
    """
    Return reads with a delegation that ended without a removal.

    Older ends are left out: their removals may be deleted.
    """
    ended = Delegation.objects.filter(
        id=OuterRef("delegation_id"), switched_off_at__gt=at - removal_deadlines.LISTED_FOR
    )
    told = FeatureRemoval.objects.filter(
        integration_id=OuterRef("integration_id"),
        delegation_id=OuterRef("delegation_id"),
        reason=RemovalReason.SWITCHED_OFF,
    )
    return FeatureRead.objects.filter(
        Exists(ended), ~Exists(told), integration__in=Integration.objects.live()
    )


def issue_item_removals(
    *, integration_id: UUID, item_ids: Iterable[UUID], reason: RemovalReason, at: datetime
) -> None:
    """
    Tell each feature that read the integration to delete its copies of these items.

    :param item_ids: of messages, events or calendars, read only if a feature read the integration
    """
    reads = list(FeatureRead.objects.filter(integration_id=integration_id).order_by("feature"))
    if not reads:
        return
    ids = list(dict.fromkeys(item_ids))
    if not ids:
        return
    integration = Integration.objects.only("product", "connection_id").get(id=integration_id)
    for read in reads:
        left = ids[_extend_open_removal(read, ids, reason, at=at) :]
        FeatureRemoval.objects.bulk_create(
            FeatureRemoval(
                feature=read.feature,
                user_id=read.user_id,
                organisation_id=read.organisation_id,
                connection_id=integration.connection_id,
                integration_id=integration_id,
                product=integration.product,
                delegation_id=read.delegation_id,
                reason=reason,
                item_ids=chunk,
                last_read_at=read.last_read_at,
                issued_at=at,
                due_at=at + ACKNOWLEDGED_WITHIN,
            )
            for chunk in _split(left)
        )
        _record_issue(read, reason, at=at, item_count=len(ids))
    _settle_on_commit(read.feature for read in reads)


def list_integration_removals(integration_id: UUID) -> list[FeatureRemoval]:
    """Return the removals by which a disconnect told features, by feature."""
    return list(
        FeatureRemoval.objects.filter(
            integration_id=integration_id,
            reason__in=(RemovalReason.DISCONNECTED, RemovalReason.WITHDRAWN),
        ).order_by("feature", "id")
    )


def _issue_whole(
    reads: Sequence[FeatureRead], reason: RemovalReason, *, at: datetime
) -> list[UUID]:
    """Return the ledger entries of what was not issued before."""
    if not reads:
        return []
    with database.cursor() as cursor:
        cursor.execute(
            _INSERT_WHOLE,
            {
                "ids": [uuid7() for _ in reads],
                "reads": [read.id for read in reads],
                "reason": str(reason),
                "at": at,
                "due_at": at + ACKNOWLEDGED_WITHIN,
            },
        )
        issued = set(cursor.fetchall())
    _settle_on_commit(feature for _, feature in issued)
    return [
        _record_issue(read, reason, at=at)
        for read in reads
        if (read.integration_id, read.feature) in issued
    ]


def _extend_open_removal(
    read: FeatureRead, ids: Sequence[UUID], reason: RemovalReason, *, at: datetime
) -> int:
    """Add items to the feature's young, unlisted removal; return how many found room."""
    unlisted = FeatureRemoval.objects.open().filter(
        integration_id=read.integration_id,
        feature=read.feature,
        reason=reason,
        listed_at=None,
        issued_at__gt=at - _EXTENDED_FOR,
    )
    row = (
        unlisted.filter(item_ids__len__lt=MAX_REMOVED_ITEMS)
        .select_for_update(no_key=True, skip_locked=True)
        .order_by("id")
        .last()
    )
    if row is None:
        return 0
    room = MAX_REMOVED_ITEMS - len(row.item_ids)
    # A series may be named already.
    taken = list(ids[:room])
    added = [item_id for item_id in taken if item_id not in row.item_ids]
    FeatureRemoval.objects.filter(id=row.id).update(
        item_ids=Func(F("item_ids"), Value(added), function="array_cat", arity=2),
        delegation_id=read.delegation_id,
        last_read_at=read.last_read_at,
    )
    return len(taken)


def _split(ids: Sequence[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), MAX_REMOVED_ITEMS):
        yield list(ids[start : start + MAX_REMOVED_ITEMS])


def _record_issue(
    read: FeatureRead, reason: RemovalReason, *, at: datetime, item_count: int | None = None
) -> UUID:
    connection_id = Integration.objects.values_list("connection_id", flat=True).get(
        id=read.integration_id
    )
    naming = pseudonyms.get_pseudonym_naming(connection_id)
    ends_integration = reason in {RemovalReason.DISCONNECTED, RemovalReason.WITHDRAWN}
    return entries.record_ledger_event(
        event="removal.issued",
        about=read.integration_id,
        body={
            "feature": read.feature,
            "reason": str(reason),
            **({} if item_count is None else {"items": item_count}),
        },
        at=at,
        naming=naming.at_the_end if ends_integration else naming,
    )


def _settle_on_commit(features: Collection[str] | Iterator[str]) -> None:
    """
    Write the due times of clients after the commit: no transaction of a person waits for the row of
    a client. `removal_deadlines` repeats it if the process ends before.
    """
    settle = partial(removal_deadlines.settle_due_times, sorted(set(features)))
    transaction.on_commit(settle, robust=True)
