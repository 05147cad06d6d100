"""An owner lets a platform feature save files without asking each time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

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
from integrations.models import FETCHABLE, DriveFolder, FileKind, Integration, StandingConsent
from limited_use.access_request import Permit
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Purpose, Recipient
from limited_use.vault import sealing

from . import folders, standing_consent_ends
from .standing_consents import list_saving_features
from .transfer_state import FolderPlace
from .uploads import MAX_FILE_BYTES

#: The end is at most this far away.
MAX_LIFETIME: Final = timedelta(days=365)
#: Files under one standing consent.
MAX_COUNT: Final = 1_000


class FeatureOff(Exception):
    """The person has not switched the current version of the feature on. Offer that first."""


class FolderChanged(Exception):
    """The owner agreed to another folder than the present one. Show the present one."""


class StandingConsentExists(Exception):
    """The feature has a standing consent for this Drive. Withdraw it first."""


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


def give_consent(  # noqa: PLR0913 - an agreement, and what its owner was shown
    context: RequestContext,
    drive: Integration,
    bounds: SavingBounds,
    *,
    feature: str,
    version: int,
    folder_key: str,
) -> StandingConsent:
    """
    Let a feature save files in the present folder of the Drive, within bounds.

    :param drive: of the owner
    :param version: of the feature's declaration that the owner has read
    :param folder_key: of the folder that the owner was shown (`folders.make_folder_key`)
    :raises InvalidChoice: if a bound is not one of those that can be set
    :raises FeatureOff, FolderChanged, StandingConsentExists, ObjectNotFound:
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
    _check_folder(drive, folder_key)
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
        # The owner may have chosen another one while the Drive was asked.
        _check_folder(drive, folder_key)
        earlier = StandingConsent.objects.filter(integration=drive, feature=feature)
        standing_consent_ends.end_outdated(earlier, at=context.at)
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


def _check_folder(drive: Integration, folder_key: str) -> None:
    """:raises FolderChanged:"""
    folder = DriveFolder.objects.filter(integration=drive).first()
    if folders.make_folder_key(folder) != folder_key:
        raise FolderChanged


def _find_folder(drive: Integration, permit: Permit) -> FolderPlace:
    """Ask the Drive; Antares's own folder is created if there is none."""
    with folders.open_drive(drive, permit) as open_drive:
        return folders.find_current_folder(open_drive)
