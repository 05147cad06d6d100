"""
Standing consents end: withdrawn, expired, or with their feature or Drive. Files on their way under
them are cancelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Delegation
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import LIVE, DriveFile, DriveFileState, StandingConsent
from limited_use.agreements import consents
from limited_use.models import Consent

from .standing_consents import filter_own_consents, list_saving_features

#: Not all bytes are in the Drive yet.
_UNSENT: Final = (DriveFileState.WAITING, DriveFileState.UPLOADING, DriveFileState.PAUSED)


def withdraw_consent(context: RequestContext, consent_id: UUID) -> None:
    """
    End a standing consent at once: files on their way under it are cancelled.

    :raises ObjectNotFound: also if it has ended
    """
    own = filter_own_consents(context).filter(id=consent_id)
    with transaction.atomic(durable=True):
        if not _end_rows(own, by_owner=True, at=context.at):
            raise ObjectNotFound


def stop_feature(delegation: Delegation, *, at: datetime) -> None:
    """
    End the standing consents and the files of a feature. Call it inside the transaction that
    switches the feature off.
    """
    own = StandingConsent.objects.filter(
        user_id=delegation.user_id,
        organisation_id=delegation.organisation_id,
        feature=delegation.feature,
    )
    _end_rows(own, by_owner=True, at=at)
    files = DriveFile.objects.filter(delegation_id=delegation.id)
    _cancel_files(files, at=at)
    files.filter(state=DriveFileState.PROPOSED).delete()


def end_due_consents(*, at: datetime) -> int:
    """End outdated standing consents; return how many."""
    due = StandingConsent.objects.filter(_match_outdated(at), ended_at=None)
    ids = list(due.order_by("id").values_list("id", flat=True)[:1_000])
    with transaction.atomic(durable=True):
        return _end_rows(StandingConsent.objects.filter(id__in=ids), by_owner=False, at=at)


def end_outdated(rows: QuerySet[StandingConsent], *, at: datetime) -> None:
    """
    End those that expired, whose agreement is withdrawn or to an older version, or whose feature
    or Drive is not there any more. Call it inside a transaction.
    """
    _end_rows(rows.filter(_match_outdated(at)), by_owner=False, at=at)


def _match_outdated(at: datetime) -> Q:
    agreements = Consent.objects.filter(
        owner_id=OuterRef("user_id"),
        organisation_id=OuterRef("organisation_id"),
        feature=OuterRef("feature"),
        item=OuterRef("id"),
        withdrawn_at=None,
    )
    delegations_on = Delegation.objects.live().filter(
        user_id=OuterRef("user_id"),
        organisation_id=OuterRef("organisation_id"),
        feature=OuterRef("feature"),
    )
    current = Q()
    for feature in list_saving_features():
        current |= Q(feature=feature.key, version=feature.version)
    return (
        Q(expires_at__lte=at)
        | ~Exists(agreements.filter(current))
        | ~Exists(delegations_on)
        | ~Q(integration__status__in=LIVE)
    )


def _end_rows(rows: QuerySet[StandingConsent], *, by_owner: bool, at: datetime) -> int:
    """Return how many were live."""
    live = list(
        rows.filter(ended_at=None).order_by("id").select_for_update(no_key=True, of=("self",))
    )
    for row in live:
        row.ended_at = at
        row.save(update_fields=["ended_at"])
        _end_agreement(row, by_owner=by_owner, at=at)
        _cancel_files(DriveFile.objects.filter(standing_consent_id=row.id), at=at)
    return len(live)


def _end_agreement(row: StandingConsent, *, by_owner: bool, at: datetime) -> None:
    if by_owner:
        consents.withdraw(
            person_id=row.user_id,
            organisation_id=row.organisation_id,
            feature=row.feature,
            item=row.id,
            at=at,
        )
        return
    consents.end_feature_consents(
        owner_id=row.user_id,
        organisation_id=row.organisation_id,
        feature=row.feature,
        items=[row.id],
        at=at,
    )


def _cancel_files(files: QuerySet[DriveFile], *, at: datetime) -> None:
    """
    Cancel files that are not complete: the process that sends loses its lease, and a worker ends
    the session at the provider.
    """
    ids: Sequence[UUID] = list(
        files.filter(state__in=_UNSENT)
        .order_by("id")
        .select_for_update(no_key=True)
        .values_list("id", flat=True)
    )
    DriveFile.objects.filter(id__in=ids).update(
        state=DriveFileState.CANCELLED,
        due_at=at,
        changed_at=at,
        finished_at=at,
        lease_by=None,
        lease_until=None,
    )
    for file_id in ids:
        enqueue_on_commit("integrations.upload_file", file_id=file_id)
