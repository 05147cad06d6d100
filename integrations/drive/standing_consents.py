"""
Standing consents: bounds within which a platform feature saves files without asking each time.

The agreement itself is a `limited_use` consent whose item is the row, so that its withdrawal and
expiry are fences. The bounds are those of the row. A feature names the content type of its file:
Antares compares the number of bytes, and does not look into them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import delegations, memberships
from accounts.ids import uuid7
from accounts.models import Delegation
from integrations.access import drive_permits, fences
from integrations.access.request_context import (
    InvalidChoice,
    ObjectNotFound,
    RequestContext,
    get_owner_ids,
)
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.grants import provider_calls
from integrations.models import (
    FETCHABLE,
    LIVE,
    DriveFile,
    DriveFileState,
    FileKind,
    Integration,
    StandingConsent,
)
from limited_use.access_request import Fence, Permit
from limited_use.agreements import consents
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.policy.policy_vocabulary import Purpose, Recipient
from limited_use.vault import sealing

from . import folders
from .transfer_state import FolderPlace
from .uploads import MAX_FILE_BYTES

#: The end is at most this far away.
MAX_LIFETIME: Final = timedelta(days=365)
#: Files under one standing consent.
MAX_COUNT: Final = 1_000
#: Content types of a kind that can carry a program. A file of such a type is proposed.
_ACTIVE_TYPES: Final = frozenset({"text/html", "image/svg+xml"})
#: Not all bytes are in the Drive yet.
_UNSENT: Final = (DriveFileState.WAITING, DriveFileState.UPLOADING, DriveFileState.PAUSED)


class FeatureOff(Exception):
    """The person has not switched the current version of the feature on. Offer that first."""


class StandingConsentExists(Exception):
    """The feature has a standing consent for this Drive. Withdraw it first."""


class BoundsExceeded(Exception):
    """The standing consent covers no further file: propose it."""


@dataclass(frozen=True, slots=True)
class SavingBounds:
    """
    :param max_bytes: of one file
    :param max_count: of files in total; one that fails or is cancelled counts, too
    """

    kinds: frozenset[FileKind]
    max_bytes: int
    max_count: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CoveringConsent:
    """
    :param id: of the `StandingConsent`
    :param fence: of its agreement
    """

    id: UUID
    fence: Fence
    expires_at: datetime


def list_saving_features() -> list[Feature]:
    """Return platform features that can have a standing consent."""
    return [
        feature
        for feature in FEATURES.values()
        if feature.platform_client and feature.declares_use(Purpose.DRIVE_UPLOAD)
    ]


def find_file_kind(content_type: str) -> FileKind | None:
    """Return the kind of a declared content type; None: no standing consent can cover it."""
    if content_type == "application/pdf":
        return FileKind.PDF
    if content_type in _ACTIVE_TYPES:
        return None
    main_type = content_type.partition("/")[0]
    kinds = (FileKind.AUDIO, FileKind.VIDEO, FileKind.IMAGE, FileKind.TEXT)
    return next((kind for kind in kinds if kind == main_type), None)


def give_consent(
    context: RequestContext,
    drive: Integration,
    bounds: SavingBounds,
    *,
    feature: str,
    version: int,
) -> StandingConsent:
    """
    Let a feature save files in the present folder of the Drive, within bounds.

    :param drive: of the owner
    :param version: of the feature's declaration that the owner has read
    :raises InvalidChoice: if a bound is not one of those that can be set
    :raises FeatureOff, StandingConsentExists, ObjectNotFound:
    :raises consents.DeclarationOutdated, fences.DisconnectedError, upload_errors.UploadFailed:
    :raises errors.ProviderError, limited_use.guard.guard.AccessRefused:
    """
    _check_bounds(bounds, context.at)
    if drive.status not in FETCHABLE:
        raise ObjectNotFound
    delegation = _find_delegation(context, feature)
    permit = drive_permits.to_upload_own_file(
        actor=context.actor, integration_id=drive.id, at=context.at
    )
    place = _find_folder(drive, permit)
    consent = StandingConsent(
        id=uuid7(),
        integration=drive,
        user_id=drive.connection.user_id,
        organisation_id=drive.connection.organisation_id,
        feature=feature,
        kinds=sorted(bounds.kinds),
        max_bytes=bounds.max_bytes,
        max_count=bounds.max_count,
        created_at=context.at,
        expires_at=bounds.expires_at,
    )
    sealer = sealing.get_sealer(holder=drive.id, epoch=permit.epoch)
    consent.place = sealer.seal_value(StandingConsent, "place", row=consent.id, data=place.encode())
    with transaction.atomic(durable=True):
        memberships.lock_memberships(
            user_ids=[consent.user_id], organisation_id=consent.organisation_id
        )
        fences.lock_integration(integration_id=drive.id, epoch=permit.epoch)
        try:
            # Switching the feature off ends this one too, or it is not given.
            delegations.lock_delegation(delegation_id=delegation.id, epoch=delegation.epoch)
        except delegations.DelegationNotLive:
            raise FeatureOff from None
        earlier = StandingConsent.objects.filter(integration=drive, feature=feature)
        _end_rows(earlier.filter(_match_ended(context.at)), by_owner=False, at=context.at)
        if earlier.filter(ended_at=None).exists():
            raise StandingConsentExists
        consent.save(force_insert=True)
        consents.give(
            person_id=consent.user_id,
            organisation_id=consent.organisation_id,
            feature=feature,
            version=version,
            purpose=Purpose.DRIVE_UPLOAD,
            recipient=Recipient.OWN_PROVIDER,
            item=consent.id,
            expires_at=bounds.expires_at,
            at=context.at,
        )
    return consent


def _check_bounds(bounds: SavingBounds, at: datetime) -> None:
    """:raises InvalidChoice:"""
    are_valid = (
        bool(bounds.kinds)
        and bounds.kinds <= set(FileKind)
        and 1 <= bounds.max_bytes <= MAX_FILE_BYTES
        and 1 <= bounds.max_count <= MAX_COUNT
        and at < bounds.expires_at <= at + MAX_LIFETIME
    )
    if not are_valid:
        raise InvalidChoice


def _find_delegation(context: RequestContext, feature: str) -> Delegation:
    """:raises FeatureOff:"""
    declared = FEATURES.get(feature)
    if declared is None or declared not in list_saving_features():
        raise FeatureOff
    live = Delegation.objects.live().of(*get_owner_ids(context.actor))
    delegation = live.filter(feature=feature, feature_version=declared.version).first()
    if delegation is None:
        raise FeatureOff
    return delegation


def _find_folder(drive: Integration, permit: Permit) -> FolderPlace:
    """Ask the Drive; Antares's own folder is created if there is none."""
    connection = drive.connection
    with provider_calls.open_files(connection.id) as (adapter, session):
        return folders.find_current_folder(
            folders.OpenDrive(
                drive.id,
                connection.user_id,
                connection.organisation_id,
                adapter,
                session,
                permit,
                timezone.now,
            )
        )


def find_covering_consent(
    drive: Integration, *, feature: str, size: int, content_type: str, at: datetime
) -> CoveringConsent | None:
    """Return the live standing consent that has room for the file."""
    kind = find_file_kind(content_type)
    if kind is None:
        return None
    row = StandingConsent.objects.filter(
        integration=drive,
        feature=feature,
        ended_at=None,
        expires_at__gt=at,
        kinds__contains=[kind],
        max_bytes__gte=size,
        saved_count__lt=F("max_count"),
    ).first()
    return None if row is None else _find_agreement(row, at)


def find_live_consent(file: DriveFile, *, at: datetime) -> CoveringConsent | None:
    """Return the standing consent under which the file was begun, if it has not ended."""
    if file.standing_consent_id is None:
        return None
    row = StandingConsent.objects.filter(
        id=file.standing_consent_id,
        integration_id=file.integration_id,
        ended_at=None,
        expires_at__gt=at,
    ).first()
    return None if row is None else _find_agreement(row, at)


def _find_agreement(row: StandingConsent, at: datetime) -> CoveringConsent | None:
    agreement = consents.find_item_consent(
        owner_id=row.user_id,
        organisation_id=row.organisation_id,
        feature=row.feature,
        item=row.id,
        at=at,
    )
    if agreement is None:
        return None
    return CoveringConsent(row.id, consents.make_fence(agreement), row.expires_at)


def count_file(covering: CoveringConsent, *, at: datetime) -> None:
    """
    Count one more file, in the transaction that adds it.

    :raises BoundsExceeded: if the consent ended, or its number of files was reached
    """
    with_room = StandingConsent.objects.filter(
        id=covering.id, ended_at=None, expires_at__gt=at, saved_count__lt=F("max_count")
    )
    if not with_room.update(saved_count=F("saved_count") + 1):
        raise BoundsExceeded
    if not consents.lock_consent(covering.fence, at=at):
        raise BoundsExceeded


def withdraw_consent(context: RequestContext, consent_id: UUID) -> None:
    """
    End a standing consent at once: files on their way under it are cancelled.

    :raises ObjectNotFound: also if it has ended
    """
    own = filter_own_consents(context).filter(id=consent_id)
    with transaction.atomic(durable=True):
        if not _end_rows(own, by_owner=True, at=context.at):
            raise ObjectNotFound


def filter_own_consents(context: RequestContext) -> QuerySet[StandingConsent]:
    user_id, organisation_id = get_owner_ids(context.actor)
    return StandingConsent.objects.filter(
        user_id=user_id, organisation_id=organisation_id, integration__status__in=LIVE
    )


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
    """
    End standing consents that expired, whose agreement is withdrawn or to an older version, or
    whose feature or Drive is not there any more; return how many.
    """
    due = StandingConsent.objects.filter(_match_ended(at), ended_at=None)
    ids = list(due.order_by("id").values_list("id", flat=True)[:1_000])
    with transaction.atomic(durable=True):
        return _end_rows(StandingConsent.objects.filter(id__in=ids), by_owner=False, at=at)


def _match_ended(at: datetime) -> Q:
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
