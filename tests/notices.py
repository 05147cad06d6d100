"""Rows of notices, as tests need them."""

from __future__ import annotations

from datetime import datetime

from accounts.ids import uuid7
from integrations.models import Integration, NoticeChannel, NoticePreference, OwnerNotice


def fill_notices(integration: Integration, at: datetime) -> None:
    """Create a notice, and a choice of the mailbox for a kind of its own."""
    connection = integration.connection
    owner = {"user_id": connection.user_id, "organisation_id": connection.organisation_id}
    OwnerNotice.objects.create(
        message="purged", about=uuid7(), episode_at=at, created_at=at, routed_at=at, **owner
    )
    NoticePreference.objects.create(
        kind=uuid7().hex,
        channel=NoticeChannel.MAILBOX,
        integration=integration,
        chosen_at=at,
        **owner,
    )


def make_due_notice(integration: Integration, at: datetime) -> OwnerNotice:
    """Return a notice that is due in this mailbox."""
    connection = integration.connection
    owner = {"user_id": connection.user_id, "organisation_id": connection.organisation_id}
    NoticePreference.objects.create(
        kind="send_problem",
        channel=NoticeChannel.MAILBOX,
        integration=integration,
        chosen_at=at,
        **owner,
    )
    return OwnerNotice.objects.create(
        message="send_failed",
        about=uuid7(),
        episode_at=at,
        provider=connection.provider,
        product=integration.product,
        created_at=at,
        **owner,
    )
