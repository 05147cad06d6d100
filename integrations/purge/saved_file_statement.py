"""What a receipt says of files in a Drive. English: the signature covers it."""

from __future__ import annotations

from typing import Any, Final

from integrations.models import PurgeJob
from limited_use.policy.claims import claim

_STAY: Final = claim(
    "receipt.files-stay",
    "Files that Antares put into your Drive stay there: {count}. Antares removed its list of them."
    " Its access to them ends with its access to the account.",
)
_NOTHING_STOPPED: Final = claim(
    "receipt.uploads-complete", "No upload was on its way when you disconnected."
)
_STOPPED: Final = claim(
    "receipt.uploads-stopped",
    "Uploads that were not complete and were stopped: {count}. Look in your Drive: the last part of"
    " a file may have arrived all the same.",
)


def build_uploads_part(job: PurgeJob) -> dict[str, Any] | None:
    """
    Return counts of files: left in the Drive, and stopped on their way to it or to another Drive.

    None: the integration is no Drive, and no file of it was on its way to one.
    """
    if not job.stopped_upload_count and job.integration.product != "drive":
        return None
    count = job.stopped_upload_count
    return {
        "saved": job.saved_file_count,
        "stopped": count,
        "says": _STOPPED.format(count=count) if count else _NOTHING_STOPPED,
    }


def describe_saved_files(job: PurgeJob) -> str:
    return _STAY.format(count=job.saved_file_count)
