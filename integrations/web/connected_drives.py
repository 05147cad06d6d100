"""Whether pages offer to save a file in the person's Drive."""

from __future__ import annotations

from uuid import UUID

from accounts.actors import Actor
from integrations.access.request_context import get_owner_ids
from integrations.models import FETCHABLE, Integration


def has_drive(actor: Actor, *, connection_id: UUID | None = None) -> bool:
    """:param connection_id: of this account only"""
    drives = Integration.objects.owned_by(*get_owner_ids(actor)).filter(
        product="drive", status__in=FETCHABLE
    )
    if connection_id is not None:
        drives = drives.filter(connection_id=connection_id)
    return drives.exists()
