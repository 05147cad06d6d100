"""The statuses that an integration had, which a database trigger records."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from integrations.models import StatusChange

#: A purge deletes the changes of its integration earlier.
KEPT_FOR: Final = timedelta(days=90)


def delete_old_changes(*, at: datetime) -> None:
    StatusChange.objects.filter(since__lt=at - KEPT_FOR).delete()
