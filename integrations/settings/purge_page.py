"""What the page of a removal shows, and its row on the settings page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from integrations.connections import status_messages
from integrations.models import IntegrationStatus, PurgeJob, PurgeStep, PurgeTrigger, SupportAct
from integrations.notifications import messages, removal_facts
from integrations.notifications.messages import Text
from integrations.notifications.removal_facts import RemovalSituation
from integrations.notifications.removal_messages import (
    ACCESS_MESSAGES,
    TOKEN_MESSAGES,
    AccessOutcome,
    RemovalStatement,
    RemovalSubject,
    make_statement,
)
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from integrations.purge import (
    feature_removals,
    get_key_destruction_receipt,
    get_local_key_epoch_end,
    ledger_key_release,
    receipt_summary,
)
from integrations.purge.messages.receipt import describe_trigger, list_feature_titles
from integrations.purge.receipt_summary import ReceiptSummary
from integrations.push import WatchStopOutcome
from limited_use.models import Receipt
from limited_use.models.ledger_keys import LedgerKey

from .messages.purge import NOTIFICATION_CLAIMS, PAGE_ACCOUNTS

_ORDER: Final = list(PurgeStep)


@dataclass(frozen=True, slots=True)
class _PromisedStep:
    """
    :param claim: text after the step
    :param planned: text before the step
    :param at: the job's column with the time
    """

    step: PurgeStep
    claim: str
    planned: Text
    at: str


_FIRST: Final = (
    _PromisedStep(PurgeStep.FENCED, "removal.unreadable", messages.DESTROY_KEYS, "fenced_at"),
    _PromisedStep(PurgeStep.EMPTIED, "removal.emptied", messages.DELETE_DATA, "emptied_at"),
    _PromisedStep(PurgeStep.VERIFIED, "removal.counted", messages.CHECK_DELETION, "verified_at"),
)
_LAST: Final = _PromisedStep(PurgeStep.DONE, "removal.signed", messages.SIGN_RECEIPT, "done_at")
_NOTIFICATIONS_ENDED: Final = frozenset(
    {WatchStopOutcome.STOPPED, WatchStopOutcome.GONE, WatchStopOutcome.LAPSED}
)


@dataclass(frozen=True, slots=True)
class RemovalStep:
    """
    :param mark: `done`; `kept` for access or notifications that were not ended; or `ahead`
    :param said: the current fact; None before the step
    """

    mark: str
    said: RemovalStatement | None
    planned: str
    at: datetime | None = None


def get_purge_table_row(job: PurgeJob) -> dict[str, Any]:
    situation = removal_facts.get_situation(job)
    access = ACCESS_MESSAGES[situation.access]
    is_done = job.receipt_id is not None
    return {
        "id": job.id,
        "name": situation.subject.name,
        "fenced_at": job.fenced_at,
        "receipt_id": job.receipt_id,
        "words": status_messages.get_status_message(
            IntegrationStatus.PURGED if is_done else IntegrationStatus.PURGING
        ),
        "tone": access.tone if is_done else "info",
        "said": make_statement(access.now, situation.subject)
        if is_done and not access.has_ended
        else None,
        "pages": situation.revocation_pages,
    }


def get_purge_page_context(job: PurgeJob) -> dict[str, Any]:
    situation = removal_facts.get_situation(job)
    siblings = removal_facts.list_sibling_jobs(job)
    subject, access = situation.subject, ACCESS_MESSAGES[situation.access]
    is_done = job.receipt_id is not None
    second = get_key_destruction_receipt(job)
    return {
        "purge": job,
        "name": subject.name,
        "provider": PROVIDERS[subject.provider],
        "product": subject.product,
        "removed": make_statement("removal.removed", subject),
        # Owners know that they disconnected it themselves.
        "reason": "" if job.trigger == PurgeTrigger.OWNER else _explain_trigger(job),
        "summary": _summarize_receipt(job, second),
        "access": make_statement(access.now, subject),
        "tokens": make_statement(TOKEN_MESSAGES[situation.tokens].now, subject),
        "has_second_part": second is not None,
        "own_epoch_ends": get_local_key_epoch_end(job),
        "ledger_part": _get_ledger_key(job),
        "steps": _list_steps(job, situation),
        # Access that may remain at the provider, with the way to end it.
        "advice": make_statement(access.advice, subject) if is_done else None,
        "pages": list_revocation_pages(situation),
        "kept": make_statement("removal.product-kept", subject)
        if situation.access is AccessOutcome.KEPT
        else None,
        "copies": _list_feature_copies(job),
        "siblings": [_describe_sibling(sibling) for sibling in siblings],
        # Whether the page still changes.
        "is_moving": any(purge_job.receipt_id is None for purge_job in (job, *siblings)),
        "receipt_link": "",
    }


def list_revocation_pages(situation: RemovalSituation) -> list[dict[str, Any]]:
    """Return the provider's pages, each with the kind of account; empty if there is one kind."""
    return [
        {"url": page, "account": PAGE_ACCOUNTS.get(page, "")} for page in situation.revocation_pages
    ]


def _explain_trigger(job: PurgeJob) -> str:
    if job.support_act_id is None:
        return describe_trigger(job.trigger)
    reasons = SupportAct.objects.filter(id=job.support_act_id).values_list("reason", flat=True)
    return describe_trigger(job.trigger, reasons.first() or "")


def _summarize_receipt(job: PurgeJob, second: Receipt | None) -> ReceiptSummary | None:
    """Return None before the receipt is signed."""
    if job.receipt_id is None:
        return None
    first = Receipt.objects.get(id=job.receipt_id)
    return receipt_summary.summarize_receipt(
        json.loads(bytes(first.document)), json.loads(bytes(second.document)) if second else None
    )


def _list_steps(job: PurgeJob, situation: RemovalSituation) -> list[RemovalStep]:
    subject = situation.subject
    steps = [_keep_promise(job, subject, promise) for promise in _FIRST]
    if job.watch_try_count and job.watch_stop != WatchStopOutcome.NONE:
        steps.append(_stop_notifications(job, subject))
    if situation.access is not AccessOutcome.NEVER_GIVEN:
        steps += [_settle_access(job, situation), _settle_tokens(job, situation)]
    return [*steps, _keep_promise(job, subject, _LAST)]


def _keep_promise(job: PurgeJob, subject: RemovalSubject, promise: _PromisedStep) -> RemovalStep:
    if not _has_reached(job, promise.step):
        return RemovalStep("ahead", None, subject.format_sentence(promise.planned))
    return RemovalStep("done", make_statement(promise.claim, subject), "", getattr(job, promise.at))


def _stop_notifications(job: PurgeJob, subject: RemovalSubject) -> RemovalStep:
    if not job.watch_stop:
        return RemovalStep("ahead", make_statement("removal.notices-asked", subject), "")
    outcome = WatchStopOutcome(job.watch_stop)
    mark = "done" if outcome in _NOTIFICATIONS_ENDED else "kept"
    return RemovalStep(mark, make_statement(NOTIFICATION_CLAIMS[outcome], subject), "")


def _settle_access(job: PurgeJob, situation: RemovalSituation) -> RemovalStep:
    access, is_settled = ACCESS_MESSAGES[situation.access], _is_settled(job)
    # The provider is asked only after the notifications have stopped.
    is_waiting = situation.access is AccessOutcome.ASKED and not job.revocation_try_count
    is_asked = job.revocation_tried_at is not None and not is_waiting
    statement = make_statement(access.now, situation.subject) if is_settled or is_asked else None
    # The provider may have confirmed before the step is recorded as settled.
    if statement is not None and access.has_ended:
        mark = "done"
    else:
        mark = "kept" if is_settled else "ahead"
    return RemovalStep(mark, statement, situation.subject.format_sentence(access.planned))


def _settle_tokens(job: PurgeJob, situation: RemovalSituation) -> RemovalStep:
    tokens = TOKEN_MESSAGES[situation.tokens]
    statement = make_statement(tokens.now, situation.subject) if _is_settled(job) else None
    mark = "ahead" if statement is None else "done" if tokens.are_destroyed else "kept"
    return RemovalStep(mark, statement, situation.subject.format_sentence(tokens.planned))


def _is_settled(job: PurgeJob) -> bool:
    return _has_reached(job, PurgeStep.REVOCATION_SETTLED)


def _has_reached(job: PurgeJob, step: PurgeStep) -> bool:
    return _ORDER.index(PurgeStep(job.step)) >= _ORDER.index(step)


def _list_feature_copies(job: PurgeJob) -> list[dict[str, Any]]:
    """Return the features that received the data, and what they have confirmed by now."""
    titles = list_feature_titles()
    return [
        {
            "name": titles.get(removal.feature, removal.feature),
            "last_read_at": removal.last_read_at,
            "acknowledged_at": removal.acknowledged_at,
            "due_at": removal.due_at,
            "is_overdue": removal.acknowledged_at is None and removal.due_at <= timezone.now(),
        }
        for removal in feature_removals.list_integration_removals(job.integration_id)
    ]


def _describe_sibling(job: PurgeJob) -> dict[str, Any]:
    connection = job.integration.connection
    return {
        "id": job.id,
        "name": name_product(connection.provider, job.integration.product),
        "fenced_at": job.fenced_at,
        "is_done": job.receipt_id is not None,
    }


def _get_ledger_key(job: PurgeJob) -> LedgerKey | None:
    """Return the ledger key while its owner can download it."""
    row = (
        ledger_key_release.get_ledger_key(job.integration.connection_id) if job.receipt_id else None
    )
    return row if row is not None and row.is_offered(timezone.now()) else None
