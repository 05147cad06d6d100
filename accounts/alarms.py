"""Alarms: a row that stays until someone settles it, and one line in the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from accounts.models import Alarm

logger = logging.getLogger(__name__)


def sound(
    *, kind: str, about: UUID, window: str, body: Mapping[str, int | str], at: datetime
) -> bool:
    """
    Raise an alarm once per `kind`, `about` and `window`; return whether this call raised it.

    `body` holds counts, enum values and our ids: never content, an address or a secret.
    """
    _, created = Alarm.objects.get_or_create(
        kind=kind, about=about, window=window, defaults={"body": dict(body), "raised_at": at}
    )
    if created:
        logger.warning("alarm.raised", extra={"kind": kind, "about": str(about), **body})
    return created
