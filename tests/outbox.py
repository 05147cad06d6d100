"""Rows of the outbox, as tests need them."""

from __future__ import annotations

from datetime import datetime

from accounts.ids import uuid7
from integrations.models import (
    DraftProposal,
    Integration,
    OutboxCommand,
    OutgoingCount,
    SendingSettings,
    Upload,
    UploadChunk,
)
from limited_use.vault import sealing


def fill_outbox(integration: Integration, at: datetime) -> None:
    """Create one row of each table of the outbox."""
    connection = integration.connection
    owner = {"user_id": connection.user_id, "organisation_id": connection.organisation_id}
    seal = sealing.get_sealer(holder=integration.id, epoch=integration.epoch).seal_value
    OutboxCommand.objects.create(
        integration=integration,
        kind="mail",
        recipient_count=1,
        created_at=at,
        changed_at=at,
        undo_until=at,
        due_at=at,
        **owner,
    )
    upload_id, chunk_id, proposal_id = uuid7(), uuid7(), uuid7()
    upload = Upload.objects.create(
        id=upload_id,
        integration=integration,
        size=1,
        created_at=at,
        expires_at=at,
        descriptor=seal(Upload, "descriptor", row=upload_id, data="{}"),
        **owner,
    )
    UploadChunk.objects.create(
        id=chunk_id,
        upload=upload,
        integration_id=integration.id,
        offset=0,
        size=1,
        content=seal(UploadChunk, "content", row=chunk_id, data="x"),
        **owner,
    )
    DraftProposal.objects.create(
        id=proposal_id,
        integration=integration,
        feature="planted",
        delegation_id=uuid7(),
        template_blind=bytes(32),
        recipient_count=1,
        created_at=at,
        expires_at=at,
        content=seal(DraftProposal, "content", row=proposal_id, data="{}"),
        **owner,
    )
    SendingSettings.objects.create(integration=integration, **owner)
    OutgoingCount.objects.create(kind="mail", recipient_count=1, counted_at=at, **owner)
