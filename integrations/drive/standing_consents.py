"""
Standing consents: bounds within which a platform feature saves files without asking each time.

The agreement itself is a `limited_use` consent whose item is the row, so that its withdrawal and
expiry are fences. The bounds are those of the row. A feature names the content type of its file:
Antares compares the number of bytes, and does not look into them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import F, QuerySet

from integrations.access.request_context import RequestContext, get_owner_ids
from integrations.models import LIVE, DriveFile, FileKind, Integration, StandingConsent
from limited_use.access_request import Fence
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.policy.policy_vocabulary import Purpose

#: Content types of a kind that can carry a program. A file of such a type is proposed.
_ACTIVE_TYPES: Final = frozenset({"text/html", "image/svg+xml"})


class BoundsExceeded(Exception):
    """The standing consent covers no further file: propose it."""


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


def filter_own_consents(context: RequestContext) -> QuerySet[StandingConsent]:
    user_id, organisation_id = get_owner_ids(context.actor)
    return StandingConsent.objects.filter(
        user_id=user_id, organisation_id=organisation_id, integration__status__in=LIVE
    )
