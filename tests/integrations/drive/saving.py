"""Sources of files for Alice's Drive: her mailboxes and calendars, and orders to save them."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from accounts.ids import uuid7
from integrations.access.request_context import RequestContext
from integrations.drive import uploads
from integrations.models import (
    Attachment,
    DriveFile,
    Export,
    FileSourceKind,
    Integration,
    SyncWork,
)
from integrations.operations import sync_registry
from tests.factories import actor_for
