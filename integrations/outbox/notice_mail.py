"""Notices in a person's own mailbox: stored as commands, and stopped with the choice."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from integrations.models import OutboxCommand, OutboxKind

from . import commands

FEATURE: Final = "mailbox-notices"


def stop_queued_notices(
    *, user_id: UUID, organisation_id: UUID, kind: str | None = None, at: datetime
) -> int:
    """
    Stop notices that have not been sent; return how many.

    :param kind: key of a `NoticeKindSpec`; None: all kinds
    """
    queued = OutboxCommand.objects.filter(
        user_id=user_id, organisation_id=organisation_id, kind=OutboxKind.NOTICE
    )
    if kind is not None:
        queued = queued.filter(notice_kind=kind)
    return commands.stop_commands(queued, at=at)
