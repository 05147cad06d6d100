"""A system check before a process serves in production: its rights do not exceed its class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from config.process_classes import ProcessClass

from . import provisioning


@register("database", Tags.database, deploy=True)
def check_login(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Check the rights of the role that is logged in. The database names it, not the settings."""
    if not databases or not settings.PROCESS_CLASS:
        return []
    return [
        Error(problem, id="database.E002")
        for problem in provisioning.find_excess_rights(ProcessClass(settings.PROCESS_CLASS))
    ]
