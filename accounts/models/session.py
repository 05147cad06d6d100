"""Server-side sessions. Each names its person, so that all sessions of a person can be ended."""

from __future__ import annotations

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    # No foreign key: ending sessions must not wait for a lock on the person.
    user_id = models.UUIDField(null=True, db_index=True)
    # `settings.SITE` of its process: the database shows each site its own sessions.
    site = models.CharField(max_length=8, db_default="web")

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    def __str__(self) -> str:
        return "Session"
