"""The page of a removal, and its row on the settings page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from integrations.models import IntegrationStatus, PurgeJob, PurgeStep
from integrations.notifications import removal_facts
from integrations.notifications.removal_facts import Situation
from integrations.notifications.removal_messages import (
    ACCESS,
    TOKENS,
    Access,
    Statement,
    Subject,
    state,
)
from integrations.providers.product_names import name_product
from integrations.purge import ledger_key_release, own_epoch_ends, second_part_of
from integrations.push import Outcome
from limited_use.models.ledger_keys import LedgerKey

from . import status_messages

_ORDER: Final = list(PurgeStep)


@dataclass(frozen=True, slots=True)
class _Promise:
    """
    A step of every removal.

    :param claim: once it is taken
    :param planned: the text before
    :param at: the column of the job that says when
    """

    step: PurgeStep
    claim: str
    planned: str
    at: str


_FIRST: Final = (
    _Promise(PurgeStep.FENCED, "removal.unreadable", "Destroy all keys to {copy}", "fenced_at"),
    _Promise(PurgeStep.EMPTIED, "removal.emptied", "Delete every row of {copy}", "emptied_at"),
    _Promise(PurgeStep.VERIFIED, "removal.counted", "Count what is left", "verified_at"),
)
_LAST: Final = _Promise(PurgeStep.DONE, "removal.signed", "Sign the receipt", "done_at")


# What is said of the provider's notifications, and of which outcomes they have ended.
_NOTICES: Final = {
    Outcome.STOPPED: "removal.notices-stopped",
    Outcome.GONE: "removal.notices-stopped",
    Outcome.LAPSED: "removal.notices-lapsed",
    Outcome.UNANSWERED: "removal.notices-unanswered",
    Outcome.NO_ACCESS: "removal.notices-no-access",
    Outcome.NEEDED_ELSEWHERE: "removal.notices-kept",
}
_NOTICES_ENDED: Final = frozenset({Outcome.STOPPED, Outcome.GONE, Outcome.LAPSED})


@dataclass(frozen=True, slots=True)
class Step:
    """
    One line of the list.

    :param mark: `done`; `kept`, if it says what was not ended; or `ahead`
    :param said: what is true by now; None as long as the step lies ahead
    """

    mark: str
    said: Statement | None
    planned: str
    at: datetime | None = None


def row(job: PurgeJob) -> dict[str, Any]:
    """Return one line of the table of removals."""
    situation = removal_facts.find(job)
    access = ACCESS[situation.access]
    is_done = job.receipt_id is not None
    return {
        "id": job.id,
        "name": situation.subject.name,
        "fenced_at": job.fenced_at,
        "receipt_id": job.receipt_id,
        "words": status_messages.of(
            IntegrationStatus.PURGED if is_done else IntegrationStatus.PURGING
        ),
        "tone": access.tone if is_done else "info",
        "said": state(access.now, situation.subject) if is_done and not access.has_ended else None,
    }


def context(job: PurgeJob) -> dict[str, Any]:
    """Return what the page of one removal shows."""
    situation = removal_facts.find(job)
    siblings = removal_facts.find_siblings(job)
    subject, access = situation.subject, ACCESS[situation.access]
    is_done = job.receipt_id is not None
    return {
        "purge": job,
        "name": subject.name,
        "removed": state("removal.removed", subject),
        "has_second_part": second_part_of(job) is not None,
        "own_epoch_ends": own_epoch_ends(job),
        "ledger_part": _ledger_part(job),
        "steps": _list_steps(job, situation),
        # What may remain at the provider is said with the way to end it.
        "advice": state(access.advice, subject) if is_done else None,
        "tone": access.tone,
        "pages": situation.pages,
        "kept": state("removal.product-kept", subject) if situation.access is Access.KEPT else None,
        "siblings": [_sibling(one) for one in siblings],
        # Until nothing on the page changes any more.
        "is_moving": any(one.receipt_id is None for one in (job, *siblings)),
        "receipt_link": "",
    }


def _list_steps(job: PurgeJob, situation: Situation) -> list[Step]:
    subject = situation.subject
    steps = [_keep_promise(job, subject, one) for one in _FIRST]
    if job.watch_try_count and job.watch_stop != Outcome.NONE:
        steps.append(_stop_notices(job, subject))
    if situation.access is not Access.NEVER_GIVEN:
        steps += [_settle_access(job, situation), _settle_tokens(job, situation)]
    return [*steps, _keep_promise(job, subject, _LAST)]


def _keep_promise(job: PurgeJob, subject: Subject, promise: _Promise) -> Step:
    if not _has_reached(job, promise.step):
        return Step("ahead", None, subject.say(promise.planned))
    return Step("done", state(promise.claim, subject), "", getattr(job, promise.at))


def _stop_notices(job: PurgeJob, subject: Subject) -> Step:
    if not job.watch_stop:
        return Step("ahead", state("removal.notices-asked", subject), "")
    outcome = Outcome(job.watch_stop)
    mark = "done" if outcome in _NOTICES_ENDED else "kept"
    return Step(mark, state(_NOTICES[outcome], subject), "")


def _settle_access(job: PurgeJob, situation: Situation) -> Step:
    access, is_settled = ACCESS[situation.access], _is_settled(job)
    # Until the notifications have stopped, the provider is not asked.
    is_waiting = situation.access is Access.ASKED and not job.revocation_try_count
    is_asked = job.revocation_tried_at is not None and not is_waiting
    said = state(access.now, situation.subject) if is_settled or is_asked else None
    mark = "ahead" if not is_settled else "done" if access.has_ended else "kept"
    return Step(mark, said, situation.subject.say(access.planned))


def _settle_tokens(job: PurgeJob, situation: Situation) -> Step:
    tokens = TOKENS[situation.tokens]
    said = state(tokens.now, situation.subject) if _is_settled(job) else None
    mark = "ahead" if said is None else "done" if tokens.are_destroyed else "kept"
    return Step(mark, said, situation.subject.say(tokens.planned))


def _is_settled(job: PurgeJob) -> bool:
    return _has_reached(job, PurgeStep.REVOCATION_SETTLED)


def _has_reached(job: PurgeJob, step: PurgeStep) -> bool:
    return _ORDER.index(PurgeStep(job.step)) >= _ORDER.index(step)


def _sibling(job: PurgeJob) -> dict[str, Any]:
    connection = job.integration.connection
    return {
        "id": job.id,
        "name": name_product(connection.provider, job.integration.product),
        "fenced_at": job.fenced_at,
        "is_done": job.receipt_id is not None,
    }


def _ledger_part(job: PurgeJob) -> LedgerKey | None:
    """Return the connection's ledger key while its owner can fetch it."""
    row = ledger_key_release.of(job.integration.connection_id) if job.receipt_id else None
    return row if row is not None and row.is_offered(timezone.now()) else None
