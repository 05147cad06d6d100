"""
Files that go into the owner's Drive: a row per file, and never the file itself.

A row is the queue entry while the file is on its way, and the entry of the list afterwards.
"""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Integration


class FileSourceKind(models.TextChoices):
    """Where the bytes of a file come from."""

    # A browser or an API client sends them.
    CLIENT = "client"
    # A stored message's attachment, fetched from its provider.
    ATTACHMENT = "attachment"
    # An Antares calendar, written as an iCalendar file.
    CALENDAR = "calendar"
    # A copy of the stored mail of the same account.
    MAIL_EXPORT = "mail_export"


class DriveFileState(models.TextChoices):
    # A feature proposes the file; the owner has not decided.
    PROPOSED = "proposed"
    # No byte has left.
    WAITING = "waiting"
    # The provider has an upload session.
    UPLOADING = "uploading"
    # The owner paused the upload.
    PAUSED = "paused"
    # All bytes were sent: a worker compares the file in the Drive with them.
    CHECKING = "checking"
    DONE = "done"
    # It is not in the Drive, for `problem`.
    FAILED = "failed"
    # The owner stopped the upload, or declined the proposal.
    CANCELLED = "cancelled"


class DriveFileProblem(models.TextChoices):
    """Why an upload failed."""

    NONE = ""
    STORAGE_FULL = "storage_full"
    TOO_LARGE = "too_large"
    # The provider refuses the file.
    REJECTED = "rejected"
    # The grant does not cover uploads.
    SCOPE_MISSING = "scope_missing"
    GRANT_ENDED = "grant_ended"
    ADMIN_BLOCKED = "admin_blocked"
    # The chosen folder no longer exists, or its permission ended.
    FOLDER_GONE = "folder_gone"
    # The attachment, calendar or export no longer exists.
    SOURCE_GONE = "source_gone"
    # The provider's copy differs from the bytes that were sent.
    CHECKSUM_MISMATCH = "checksum_mismatch"
    # The upload session ended before the file was complete, more often than Antares tries.
    SESSION_EXPIRED = "session_expired"
    # The upload expired before its client sent all bytes.
    ABANDONED = "abandoned"
    # The provider refused for longer than Antares tries.
    UNAVAILABLE = "unavailable"
    # The owner withdrew the agreement, or left the organisation.
    STOPPED = "stopped"
    # The work crashed three times in a row.
    CRASHED = "crashed"


#: Bytes may still be sent, or a worker still has to do something.
OPEN_FILE_STATES: Final = (
    DriveFileState.WAITING,
    DriveFileState.UPLOADING,
    DriveFileState.PAUSED,
    DriveFileState.CHECKING,
)
#: The next byte may be sent now.
SENDABLE_FILE_STATES: Final = (DriveFileState.WAITING, DriveFileState.UPLOADING)


class DriveFile(models.Model):
    """
    `descriptor` opens to JSON: filename, content_type. `transfer` opens to JSON (see
    `integrations.drive.transfer_state`): the provider's ids and, until the file is complete, the
    address of the upload session, which is a bearer secret.

    :ivar size: in bytes; null until the source has been read
    :ivar received: bytes of the file that were sent and counted
    :ivar is_offset_known: whether the last request to the provider was answered: otherwise its
        offset is asked for before the next one
    :ivar content_blind: keyed hash of name and size, to ask before the same file is uploaded twice
    :ivar is_namesake: whether the folder had a file of this name; both are kept
    :ivar is_removed: whether the owner removed the entry while a worker still ends the upload: its
        name and size are gone, and the row is deleted afterwards
    :ivar due_at: when a worker acts next; null when none has to
    :ivar expires_at: when an upload without progress is given up
    :ivar crossing_at: when the owner sent it to another account, on a page that named the provider
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    source = models.CharField(max_length=16, choices=FileSourceKind, default=FileSourceKind.CLIENT)
    # Ours: the attachment, the calendar or the export, and the integration that it belongs to.
    source_id = models.UUIDField(null=True)
    source_integration_id = models.UUIDField(null=True)
    # The feature that the file belongs to; empty: the owner's.
    proposed_by = models.CharField(max_length=64, blank=True, default="")
    delegation_id = models.UUIDField(null=True)
    standing_consent_id = models.UUIDField(null=True)
    state = models.CharField(max_length=16, choices=DriveFileState, default=DriveFileState.WAITING)
    problem = models.CharField(
        max_length=24, choices=DriveFileProblem, blank=True, default=DriveFileProblem.NONE
    )
    size = models.PositiveBigIntegerField(null=True)
    received = models.PositiveBigIntegerField(default=0)
    is_offset_known = models.BooleanField(default=False)
    content_blind = models.BinaryField(max_length=32, null=True)
    is_namesake = models.BooleanField(default=False)
    is_removed = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    crossing_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    crash_count = models.PositiveSmallIntegerField(default=0)
    session_count = models.PositiveSmallIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    descriptor = SealedField(data_class=DataClass.FILE_CONTENT, holder="integration_id", null=True)
    transfer = SealedField(data_class=DataClass.FILE_CONTENT, holder="integration_id", null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=FileSourceKind.values), name="drive_file_source_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DriveFileState.values), name="drive_file_state_known"
            ),
            models.CheckConstraint(
                condition=Q(problem__in=DriveFileProblem.values), name="drive_file_problem_known"
            ),
            models.CheckConstraint(
                condition=Q(size=None) | Q(received__lte=F("size")),
                name="drive_file_within_its_size",
            ),
            models.CheckConstraint(
                condition=Q(is_removed=False, descriptor__isnull=False)
                | Q(is_removed=True, descriptor=None, content_blind=None, size=None),
                name="drive_file_removed_without_name",
            ),
            models.CheckConstraint(
                condition=Q(state=DriveFileState.FAILED) | Q(problem=DriveFileProblem.NONE),
                name="drive_file_problem_of_a_failure",
            ),
            models.CheckConstraint(
                condition=Q(source=FileSourceKind.CLIENT, source_id=None)
                | (~Q(source=FileSourceKind.CLIENT) & Q(source_id__isnull=False)),
                name="drive_file_source_has_an_id",
            ),
            models.CheckConstraint(
                condition=Q(lease_by=None, lease_until=None)
                | Q(lease_by__isnull=False, lease_until__isnull=False),
                name="drive_file_lease_is_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="drive_file_due", condition=Q(due_at__isnull=False)
            ),
            models.Index(fields=["user_id", "organisation_id", "-id"], name="drive_file_of_owner"),
            models.Index(fields=["integration", "content_blind"], name="drive_file_by_content"),
            models.Index(fields=["integration", "id"], name="drive_file_of_integration"),
            models.Index(fields=["expires_at"], name="drive_file_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.source} file {self.id}"


class DriveFolder(models.Model):
    """
    The folder that uploads of an integration go to: created by Antares, or chosen by the owner.

    `place` opens to JSON (see `integrations.drive.transfer_state`): folder_id, name, link. That of
    a chosen folder has Antares's own folder, too, if there is one.

    :ivar is_chosen: whether the owner chose it; otherwise Antares created it
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.OneToOneField(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    is_chosen = models.BooleanField(default=False)
    changed_at = models.DateTimeField()
    place = SealedField(data_class=DataClass.FILE_CONTENT, holder="integration_id")

    def __str__(self) -> str:
        return f"folder of integration {self.integration_id}"


class FolderRequest(models.Model):
    """
    The owner chooses a folder on a page of the provider. The row has the hash of the `state` that
    the browser brings back, once.

    :ivar session_hash: of the browser session that has to bring it back
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    state_hash = models.BinaryField(max_length=32, unique=True)
    session_hash = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="folder_request_by_end")]

    def __str__(self) -> str:
        return f"folder request {self.id}"


class FileKind(models.TextChoices):
    """Kinds of files that a standing consent may cover, by content type."""

    AUDIO = "audio"
    VIDEO = "video"
    IMAGE = "image"
    TEXT = "text"
    PDF = "pdf"


class StandingConsent(models.Model):
    """
    Bounds within which a feature may save files without asking each time.

    The agreement is a `limited_use` consent to the feature for this row as its item: its withdrawal
    and expiry are fences. `place` opens to JSON, as that of `DriveFolder`.

    :ivar max_bytes: of one file
    :ivar max_count: of files in total
    :ivar saved_count: files so far, with those on their way
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    feature = models.CharField(max_length=64)
    kinds = ArrayField(models.CharField(max_length=16, choices=FileKind))
    max_bytes = models.PositiveBigIntegerField()
    max_count = models.PositiveIntegerField()
    saved_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    place = SealedField(data_class=DataClass.FILE_CONTENT, holder="integration_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "feature"],
                condition=Q(ended_at=None),
                name="standing_consent_one_live_per_feature",
            ),
            models.CheckConstraint(
                condition=Q(saved_count__lte=F("max_count")), name="standing_consent_within_count"
            ),
        ]

    def __str__(self) -> str:
        return f"standing consent {self.id}"
