"""Why a product is in its state, in sentences for support agents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.connections import status_messages
from integrations.models import IntegrationStatus, StatusReason, SyncWork
from integrations.sync.sync_error_policy import DENIAL_PAUSES
from integrations.sync.turn_crashes import LIMIT

from . import operator_messages
from .operator_messages import Diagnosis
from .product_states import ProductState

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# A calendar without viewers waits for years: nothing is planned.
_PLANNED_WITHIN: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """
    The checks of one product. A calendar product has several works, of which the worst counts.

    :param done_count: items fetched by the current import
    :param expected_count: the provider's estimate; 0: unknown
    :param next_try_at: None if nothing is planned
    :param pause_reasons: why works wait after a failure
    """

    done_count: int = 0
    expected_count: int = 0
    last_success_at: datetime | None = None
    last_event_at: datetime | None = None
    next_try_at: datetime | None = None
    failing_since: datetime | None = None
    failure_count: int = 0
    crash_count: int = 0
    denial_count: int = 0
    pause_reasons: tuple[str, ...] = ()


def load_checks(integration_ids: Iterable[UUID], *, at: datetime) -> Mapping[UUID, Checks]:
    ids = list(integration_ids)
    works = SyncWork.objects.filter(integration_id__in=ids).only(
        *("integration_id", "next_sync_at", "failure_count", "failing_since", "crash_count"),
        *("denial_count", "pause_reason", "done_count", "expected_count", "last_synced_at"),
        "last_event_at",
    )
    groups: dict[UUID, list[SyncWork]] = {integration_id: [] for integration_id in ids}
    for work in works:
        groups[work.integration_id].append(work)
    return {integration_id: _summarise(group, at=at) for integration_id, group in groups.items()}


def explain(state: ProductState, checks: Checks) -> tuple[StrOrPromise, ...]:
    """Return cause and next step, then what failed since the last success."""
    main = _choose_diagnosis(state)
    others = [
        operator_messages.REASON[reason]
        for reason in checks.pause_reasons
        if reason in operator_messages.REASON
    ]
    diagnoses = dict.fromkeys([main, *others])
    return (
        *(text for each in diagnoses for text in (each.cause, each.next_step)),
        *_count_failures(checks),
    )


def _choose_diagnosis(state: ProductState) -> Diagnosis:
    if state.words == status_messages.PAUSED:
        return operator_messages.NEEDS_AGREEMENT
    if (
        state.progress is not None
        and state.progress.is_stalled
        and state.integration.status != IntegrationStatus.REAUTH_REQUIRED
    ):
        return operator_messages.REASON[StatusReason.NO_WORKER]
    reason, status = state.integration.status_reason, state.integration.status
    return operator_messages.REASON.get(reason) or operator_messages.STATUS[status]


def _count_failures(checks: Checks) -> list[str]:
    sentences = []
    if checks.failure_count:
        sentences.append(
            ngettext(
                "%(count)d check failed.", "%(count)d checks in a row failed.", checks.failure_count
            )
            % {"count": checks.failure_count}
        )
    if checks.crash_count:
        crashed = ngettext(
            "%(count)d check ended with a bug, or its worker died.",
            "%(count)d checks in a row ended with a bug, or their worker died.",
            checks.crash_count,
        ) % {"count": checks.crash_count}
        sentences.append(crashed)
        if checks.crash_count >= LIMIT:
            sentences.append(_("Tell operations: the alarm is sync.crashing."))
    if checks.denial_count:
        sentences.append(
            ngettext(
                "The provider refused %(count)d check since the last success.",
                "The provider refused %(count)d checks since the last success.",
                checks.denial_count,
            )
            % {"count": checks.denial_count}
        )
        if checks.denial_count <= len(DENIAL_PAUSES):
            sentences.append(_("Antares retries with a new token before it asks the person."))
    return sentences


def _summarise(works: list[SyncWork], *, at: datetime) -> Checks:
    if not works:
        return Checks()
    next_try_at = min(work.next_sync_at for work in works)
    return Checks(
        done_count=sum(work.done_count for work in works),
        expected_count=sum(work.expected_count for work in works),
        last_success_at=max(filter(None, (work.last_synced_at for work in works)), default=None),
        last_event_at=max(filter(None, (work.last_event_at for work in works)), default=None),
        next_try_at=next_try_at if next_try_at - at < _PLANNED_WITHIN else None,
        failing_since=min(filter(None, (work.failing_since for work in works)), default=None),
        failure_count=max(work.failure_count for work in works),
        crash_count=max(work.crash_count for work in works),
        denial_count=max(work.denial_count for work in works),
        pause_reasons=tuple(
            dict.fromkeys(work.pause_reason for work in works if work.pause_reason)
        ),
    )
