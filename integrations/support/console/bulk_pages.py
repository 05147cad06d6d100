"""What pages show of bulk revocations: criteria and counts; no person concerned and no address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from integrations.models import BULK_ENDED, BulkRevocation, BulkState
from integrations.providers import PROVIDERS
from integrations.support import bulk_receipts, bulk_revocation, messages

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_TONES: Final[Mapping[str, str]] = {
    BulkState.COUNTING: "info",
    BulkState.PROPOSED: "warn",
    BulkState.RUNNING: "info",
    BulkState.STOPPED: "bad",
    BulkState.DONE: "good",
}
_LISTED: Final = 50
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class BulkLine:
    """:param counts: of the dry run; empty until it ended"""

    bulk: BulkRevocation
    state_label: StrOrPromise
    tone: str
    provider_label: str
    reason: StrOrPromise
    counts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """
    How far the worker got, as it last wrote.

    :param per_minute: settled accounts; None before the first
    :param seconds_left: None unless it runs
    """

    done: int
    unnecessary: int
    failed: int
    stopped: int
    waiting: int
    total: int
    per_minute: int | None
    seconds_left: int | None

    @property
    def settled(self) -> int:
        return self.total - self.waiting


def list_lines() -> list[BulkLine]:
    """Return the newest first."""
    bulks = BulkRevocation.objects.select_related("organisation").order_by("-asked_at", "-id")
    return [_make_line(bulk) for bulk in bulks[:_LISTED]]


def get_bulk(bulk_id: UUID) -> BulkRevocation | None:
    return BulkRevocation.objects.select_related("organisation").filter(id=bulk_id).first()


def build_context(bulk: BulkRevocation, *, reader_id: UUID, beyond: UUID | None) -> dict[str, Any]:
    """:param beyond: the last receipt of the page before"""
    has_begun = bulk.decided_at is not None and bulk.state != BulkState.REJECTED
    receipts = bulk_receipts.list_receipts(bulk.id, beyond=beyond) if has_begun else []
    is_own = bulk.agent_id == reader_id
    is_proposed = bulk.state == BulkState.PROPOSED
    names = bulk_receipts.find_staff_names(bulk.id)
    return {
        **build_progress_context(bulk),
        "line": _make_line(bulk),
        "is_own": is_own,
        "can_decide": is_proposed and not is_own,
        "is_ended": bulk.state in BULK_ENDED,
        "decide_until": bulk.asked_at + bulk_revocation.DECIDED_WITHIN,
        "agent_name": names.get(bulk.agent_id, ""),
        "decider_name": names.get(bulk.decided_by, "") if bulk.decided_by else "",
        "stopper_name": names.get(bulk.stopped_by, "") if bulk.stopped_by else "",
        "providers": _label_counts(bulk.counts.get("providers", {}), _PROVIDER_LABELS),
        "products": _label_counts(bulk.counts.get("products", {}), messages.PRODUCT),
        "has_begun": has_begun,
        "receipts": [(each, messages.PRODUCT.get(each.product, each.product)) for each in receipts],
        "is_first_page": beyond is None,
        "beyond": receipts[-1].receipt_id if len(receipts) == bulk_receipts.PAGE else None,
    }


def build_progress_context(bulk: BulkRevocation) -> dict[str, Any]:
    progress = _get_progress(bulk)
    purges = bulk_receipts.count_purges(bulk.id) if progress else None
    return {
        "bulk": bulk,
        "progress": progress,
        "purges": purges,
        "is_moving": bulk.state in (BulkState.COUNTING, BulkState.RUNNING)
        or (purges is not None and purges.receipts < purges.begun),
    }


_PROVIDER_LABELS: Final = {key: provider.label for key, provider in PROVIDERS.items()}


def _make_line(bulk: BulkRevocation) -> BulkLine:
    return BulkLine(
        bulk=bulk,
        state_label=messages.BULK_STATE[bulk.state],
        tone=_TONES.get(bulk.state, ""),
        provider_label=_PROVIDER_LABELS.get(bulk.provider, bulk.provider),
        reason=messages.REASON[bulk.reason],
        counts=bulk.counts if bulk.counted_at else {},
    )


def _label_counts(
    counts: Mapping[str, int], labels: Mapping[str, StrOrPromise]
) -> list[tuple[StrOrPromise, int]]:
    return [(labels.get(key, key), counts[key]) for key in sorted(counts)]


def _get_progress(bulk: BulkRevocation) -> BulkProgress | None:
    acts = bulk.counts.get("progress")
    if not acts:
        return None
    total = sum(acts.values())
    settled = total - acts["waiting"]
    took = datetime.fromisoformat(bulk.counts["progressed_at"]) - datetime.fromisoformat(
        bulk.counts["began_at"]
    )
    per_second = settled / (took / timedelta(seconds=1)) if took and settled else None
    is_running = bulk.state == BulkState.RUNNING
    return BulkProgress(
        **acts,
        total=total,
        per_minute=round(per_second * _MINUTE) if per_second else None,
        seconds_left=round(acts["waiting"] / per_second) if per_second and is_running else None,
    )
