"""What the ledger says of reviewers' runs of the forbidden uses (`forbidden_use_run`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import models

from limited_use.access_request import CANARY_ID
from limited_use.ledger import entries, entry_form
from limited_use.models import Leaf
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use

#: Subject of the entry that sums up a run. The entry's id is the run's id.
SUMMARY_ID: Final = UUID("ca9a2700-0000-4000-8000-000000000001")
#: The permitted use with which a run opens its canaries.
CONTROL: Final = (Purpose.VAULT_REKEY, Recipient.VAULT)
#: How far the ids of a run's entries may be from the run's id: the clocks of two machines and the
#: queue of the workers lie between.
_EARLIEST: Final = timedelta(minutes=1)
_LATEST: Final = timedelta(minutes=30)
_MAX_MILLISECONDS: Final = (1 << 48) - 1


@dataclass(frozen=True, slots=True)
class RunSummary:
    """
    :param id: also of the summary's ledger entry
    :param asked_count: forbidden uses that were tried
    :param is_control_open: whether the canaries opened under the permitted use
    """

    id: UUID
    at: datetime
    asked_count: int
    refused_count: int
    is_control_open: bool

    @property
    def is_passed(self) -> bool:
        return self.refused_count == self.asked_count and self.is_control_open


@dataclass(frozen=True, slots=True)
class RunEntry:
    """:param index: None until the sequencer gave it one"""

    id: UUID
    index: int | None
    is_refused: bool
    use: Use
    rule_id: str
    feature: str
    missing: tuple[str, ...]

    @property
    def is_control(self) -> bool:
        return not self.is_refused and (self.use.purpose, self.use.recipient) == CONTROL


def get_run_summary(run_id: UUID) -> RunSummary | None:
    """Return None until the run has ended."""
    rows = _filter_subject(SUMMARY_ID).filter(id=run_id).values_list("id", "payload")
    return next(filter(None, (_parse_summary(*row) for row in rows)), None)


def list_run_summaries(*, limit: int) -> list[RunSummary]:
    """Return the newest first."""
    rows = _filter_subject(SUMMARY_ID).order_by("-id").values_list("id", "payload")
    return [summary for row in rows[:limit] if (summary := _parse_summary(*row))]


def list_run_entries(run_id: UUID) -> list[RunEntry]:
    """Return the run's decisions in the ledger, in the order of the cases; the control is last."""
    item = entries.get_ledger_pseudonym(run_id)
    rows = (
        _filter_subject(CANARY_ID)
        .filter(id__gte=_shift_id(run_id, -_EARLIEST), id__lt=_shift_id(run_id, _LATEST))
        .order_by("id")
        .values_list("id", "payload", "idx")
    )
    return list(_parse_entries(rows.iterator(), item))


def is_run_recent(run_id: UUID, *, at: datetime) -> bool:
    """Return whether a run with this id can still be waiting for a worker."""
    age = timedelta(milliseconds=entries.to_milliseconds(at) - _get_milliseconds(run_id))
    return -_EARLIEST <= age <= _LATEST


def is_canary_entry(body: Mapping[str, object]) -> bool:
    """:param body: of a ledger entry"""
    return body.get("subject") == entries.get_ledger_pseudonym(CANARY_ID)


def _filter_subject(subject_id: UUID) -> models.QuerySet[Leaf]:
    return Leaf.objects.filter(
        fault="", subject=bytes.fromhex(entries.get_ledger_pseudonym(subject_id))
    )


def _get_milliseconds(run_id: UUID) -> int:
    return run_id.int >> 80


def _shift_id(run_id: UUID, shift: timedelta) -> UUID:
    """Return the lowest id of the moment that lies `shift` from that of a UUIDv7."""
    milliseconds = _get_milliseconds(run_id) + round(shift.total_seconds() * 1000)
    return UUID(int=min(max(milliseconds, 0), _MAX_MILLISECONDS) << 80)


def _parse_summary(entry_id: UUID, payload: bytes | memoryview[int]) -> RunSummary | None:
    entry = entry_form.read_entry(entry_id, bytes(payload))
    counts = entry.get("body", {})
    if not all(
        isinstance(counts.get(name), int) for name in ("asked", "refused", "control_opened")
    ):
        return None
    return RunSummary(
        entry_id,
        datetime.fromtimestamp(entry["at"] / 1000, UTC),
        counts["asked"],
        counts["refused"],
        is_control_open=bool(counts["control_opened"]),
    )


def _parse_entries(
    rows: Iterator[tuple[UUID, bytes | memoryview[int], int | None]], item: str
) -> Iterator[RunEntry]:
    for entry_id, payload, index in rows:
        entry = entry_form.read_entry(entry_id, bytes(payload))
        if entry.get("item") == item and "purpose" in entry:
            yield RunEntry(
                entry_id,
                index,
                entry["event"] == "use.refused",
                Use(
                    DataClass(entry["class"]),
                    Purpose(entry["purpose"]),
                    Recipient(entry["recipient"]),
                ),
                entry["rule"],
                entry["feature"] or "",
                tuple(entry["missing"]),
            )
