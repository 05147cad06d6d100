"""Rows of the outbox, as tests need them."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.ids import uuid7
from integrations.formats.mime.addresses import MailAddress
from integrations.models import (
    DeliveryReport,
    DraftProposal,
    Integration,
    OutboxCommand,
    OutgoingCount,
    SendingSettings,
    Upload,
    UploadChunk,
)
from integrations.outbox import command_content
from integrations.outbox.command_content import CommandContent
from limited_use.vault import sealing


def fill_outbox(integration: Integration, at: datetime) -> None:
    """Create one row of each table of the outbox."""
    connection = integration.connection
    owner = {"user_id": connection.user_id, "organisation_id": connection.organisation_id}
    seal = sealing.get_sealer(holder=integration.id, epoch=integration.epoch).seal_value
    make_command(integration, at)
    make_proposal(integration, at)
    upload, chunk_id = make_upload(integration, at), uuid7()
    UploadChunk.objects.create(
        id=chunk_id,
        upload=upload,
        integration_id=integration.id,
        offset=0,
        size=1,
        content=seal(UploadChunk, "content", row=chunk_id, data="x"),
        **owner,
    )
    DeliveryReport.objects.create(
        integration=integration, rfc822_blind=bytes(32), message_id=uuid7(), stored_at=at
    )
    SendingSettings.objects.create(integration=integration, **owner)
    OutgoingCount.objects.create(kind="mail", recipient_count=1, counted_at=at, **owner)


def make_command(integration: Integration, at: datetime) -> OutboxCommand:
    """Return a waiting command, which can be undone for half a minute."""
    connection = integration.connection
    return OutboxCommand.objects.create(
        integration=integration,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        kind="mail",
        recipient_count=1,
        created_at=at,
        changed_at=at,
        undo_until=at + timedelta(seconds=30),
        due_at=at + timedelta(seconds=30),
    )


def make_upload(integration: Integration, at: datetime) -> Upload:
    """Return an upload without bytes that expires in a day."""
    connection, upload_id = integration.connection, uuid7()
    sealer = sealing.get_sealer(holder=integration.id, epoch=integration.epoch)
    descriptor = '{"filename": "plan.txt", "content_type": "text/plain"}'
    return Upload.objects.create(
        id=upload_id,
        integration=integration,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        size=1,
        created_at=at,
        expires_at=at + timedelta(days=1),
        descriptor=sealer.seal_value(Upload, "descriptor", row=upload_id, data=descriptor),
    )


def make_proposal(integration: Integration, at: datetime) -> DraftProposal:
    """Return a proposed draft that expires in a day."""
    connection, proposal_id = integration.connection, uuid7()
    sealer = sealing.get_sealer(holder=integration.id, epoch=integration.epoch)
    content = CommandContent(
        sender=MailAddress("", ""),
        to=(MailAddress("Bob", "bob@example.test"),),
        cc=(),
        bcc=(),
        subject="Plan",
        text="Hello",
    )
    return DraftProposal.objects.create(
        id=proposal_id,
        integration=integration,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        feature="planted",
        delegation_id=uuid7(),
        template_blind=bytes(32),
        recipient_count=1,
        created_at=at,
        expires_at=at + timedelta(days=1),
        content=sealer.seal_value(
            DraftProposal,
            "content",
            row=proposal_id,
            data=command_content.encode_content(content),
        ),
    )
