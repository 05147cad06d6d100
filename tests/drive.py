"""Rows of Drive, as tests need them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Model

from accounts.ids import uuid7
from integrations.models import (
    DriveFile,
    DriveFolder,
    FileKind,
    FolderRequest,
    Integration,
    StandingConsent,
)
from limited_use.vault import sealing

_DESCRIPTOR = '{"filename": "plan.pdf", "content_type": "application/pdf"}'
_PLACE = '{"folder_id": "folder-1", "name": "Antares", "link": ""}'


def fill_drive(integration: Integration, at: datetime) -> None:
    """Create one row of each table of Drive."""
    make_drive_file(integration, at)
    folder_id = uuid7()
    DriveFolder.objects.create(
        id=folder_id,
        integration=integration,
        changed_at=at,
        place=_seal(integration, DriveFolder, "place", folder_id, _PLACE),
        **_get_owner(integration),
    )
    FolderRequest.objects.create(
        integration=integration,
        state_hash=uuid7().bytes * 2,
        session_hash=bytes(32),
        expires_at=at + timedelta(minutes=10),
        **_get_owner(integration),
    )
    make_standing_consent(integration, at)


def make_drive_file(integration: Integration, at: datetime, **values: Any) -> DriveFile:
    """Return a file without bytes, unless `values` say otherwise."""
    file_id = uuid7()
    return DriveFile.objects.create(
        id=file_id,
        integration=integration,
        descriptor=_seal(integration, DriveFile, "descriptor", file_id, _DESCRIPTOR),
        **{
            "size": 9,
            "created_at": at,
            "changed_at": at,
            "expires_at": at + timedelta(days=1),
            "due_at": at,
            **_get_owner(integration),
            **values,
        },
    )


def make_standing_consent(integration: Integration, at: datetime) -> StandingConsent:
    """Return a consent to save ten recordings, for 30 days."""
    row_id = uuid7()
    return StandingConsent.objects.create(
        id=row_id,
        integration=integration,
        feature="recordings",
        kinds=[FileKind.AUDIO],
        max_bytes=1_000_000,
        max_count=10,
        created_at=at,
        expires_at=at + timedelta(days=30),
        place=_seal(integration, StandingConsent, "place", row_id, _PLACE),
        **_get_owner(integration),
    )


def _get_owner(integration: Integration) -> dict[str, UUID]:
    connection = integration.connection
    return {"user_id": connection.user_id, "organisation_id": connection.organisation_id}


def _seal(
    integration: Integration, model: type[Model], column: str, row_id: UUID, data: str
) -> Any:
    sealer = sealing.get_sealer(holder=integration.id, epoch=integration.epoch)
    return sealer.seal_value(model, column, row=row_id, data=data)
