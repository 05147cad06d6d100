"""
Fetch planned calls in chunks, or one message at a time, and pass the results to a writer.

An unreadable message is told from a provider that does not answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from integrations.providers import errors
from integrations.providers.mail import is_provider_id
from limited_use import traceback_scrubber

from . import bad_messages, mail_quarantine
from .fetch_planner import MailFetchStep
from .mail_session import MailChanges, MailSyncSession
from .throttled_mailbox import FetchResult, make_single_steps

logger = logging.getLogger(__name__)

# The newest messages, for which a new user waits.
FIRST_CHUNK = 50
CHUNK = 200
# Tries of an item without a pause, while the provider serves other items.
TRIES = 2
# After this many turns in a row that failed on items, they count as bad items, not as an outage.
PATIENT_RUNS = 5

_ITEM_ERRORS = (errors.Unexpected, errors.Unavailable)


def fetch_in_chunks(
    session: MailSyncSession,
    steps: Sequence[MailFetchStep],
    write: Callable[[FetchResult], None],
    *,
    first: int = CHUNK,
    were_quarantined: bool = False,
) -> bool:
    """
    Return False if the time was over before the end. After crashes, fetch one by one.

    :param write: takes a chunk's result, with unreadable messages in `rejected`
    :param were_quarantined: a failure of one says nothing about the others
    :raises ProviderError: of the whole mailbox, after the arrived messages were written
    """
    if session.is_careful:
        message_ids = [message_id for step in steps for message_id in step.message_ids]
        return fetch_one_by_one(session, message_ids, write, were_quarantined=were_quarantined)
    pending_steps = _filter_fetchable(session, steps, write)
    size = first
    while pending_steps:
        if session.is_time_over:
            return False
        chunk = _take_chunk(pending_steps, size)
        chunk = chunk[: session.mailbox.count_affordable(chunk)]
        pending_steps = pending_steps[len(chunk) :]
        fetched = session.mailbox.fetch(chunk)
        general_error = (
            _quarantine_failed(fetched) if were_quarantined else _retry_failed(session, fetched)
        )
        pending_steps = (
            make_single_steps(fetched.single_ids, session.mailbox.prices) + pending_steps
        )
        write(fetched)
        if general_error is not None:
            raise general_error
        size = CHUNK
    return True


def fetch_one_by_one(
    session: MailSyncSession,
    message_ids: Sequence[str],
    write: Callable[[FetchResult], None],
    *,
    were_quarantined: bool = False,
) -> bool:
    """
    See `fetch_in_chunks`. Each message is noted first, so that the next turn knows which message
    a worker died of.
    """
    if not message_ids:
        return True
    is_readable = False
    for step in _filter_fetchable(
        session, make_single_steps(message_ids, session.mailbox.prices), write
    ):
        if session.is_time_over:
            return False
        session.mailbox.count_affordable([step])
        session.note_fetch(step.message_ids[0])
        try:
            general_error = _fetch_message(session, step, write, were_quarantined=were_quarantined)
        except Exception as error:  # noqa: BLE001 - sets the message aside, or is raised again
            _quarantine_crashing(session, step, error, write, is_readable=is_readable)
            continue
        if general_error is not None:
            raise general_error
        is_readable = True
    return True


def _fetch_message(
    session: MailSyncSession,
    step: MailFetchStep,
    write: Callable[[FetchResult], None],
    *,
    were_quarantined: bool,
) -> errors.ProviderError | None:
    """Return the error that stops the turn, if any."""
    fetched = session.mailbox.fetch([step])
    general_error = (
        _quarantine_failed(fetched) if were_quarantined else _retry_failed(session, fetched)
    )
    write(fetched)
    return general_error


def _quarantine_crashing(
    session: MailSyncSession,
    step: MailFetchStep,
    error: Exception,
    write: Callable[[FetchResult], None],
    *,
    is_readable: bool,
) -> None:
    """
    Quarantine the message only if others were read before it. Otherwise the error may concern
    every message: raise `error` again, and let the note stay.
    """
    if bad_messages.concerns_every_message(error) and not isinstance(error, MemoryError):
        # Reverts the note.
        session.commit(MailChanges())
        raise error
    if not is_readable:
        raise error
    traceback_scrubber.clear_frames(error)
    logger.error(
        "sync.message_crashed",
        extra={"integration_id": session.owner.integration_id, "error": type(error).__name__},
    )
    write(FetchResult(rejected={step.message_ids[0]: bad_messages.CRASHED}))


def _filter_fetchable(
    session: MailSyncSession, steps: Sequence[MailFetchStep], write: Callable[[FetchResult], None]
) -> list[MailFetchStep]:
    """Return the possible calls; quarantine messages with invalid provider ids."""
    fetchable: list[MailFetchStep] = []
    unusable: dict[str, str] = {}
    for step in steps:
        usable_ids = [message_id for message_id in step.message_ids if is_provider_id(message_id)]
        unusable |= dict.fromkeys(
            set(step.message_ids).difference(usable_ids), bad_messages.UNDECODABLE
        )
        is_whole = len(usable_ids) == len(step.message_ids)
        if is_whole and (step.thread_id is None or is_provider_id(step.thread_id)):
            fetchable.append(step)
        else:
            fetchable += make_single_steps(usable_ids, session.mailbox.prices)
    if unusable:
        write(FetchResult(rejected=unusable))
    return fetchable


def _take_chunk(steps: Iterable[MailFetchStep], size: int) -> list[MailFetchStep]:
    chunk: list[MailFetchStep] = []
    count = 0
    for step in steps:
        chunk.append(step)
        count += len(step.message_ids)
        if count >= size:
            break
    return chunk


def _retry_failed(session: MailSyncSession, fetched: FetchResult) -> errors.ProviderError | None:
    """Retry steps that failed by themselves; return the error that stops the turn, if any."""
    for _ in range(TRIES - 1):
        general_error = _find_general_error(fetched)
        if general_error is not None or not fetched.failed:
            return general_error
        failed_steps = [step for step, _ in fetched.failed]
        fetched.failed = []
        session.mailbox.count_affordable(failed_steps)
        retried = session.mailbox.fetch(failed_steps)
        fetched.messages += retried.messages
        fetched.gone_ids += retried.gone_ids
        fetched.rejected |= retried.rejected
        fetched.single_ids += retried.single_ids
        fetched.failed = retried.failed
    if not fetched.failed:
        return None
    has_result = fetched.messages or fetched.gone_ids or fetched.rejected
    if not has_result and session.work.failure_count < PATIENT_RUNS:
        return fetched.failed[0][1]
    return _quarantine_failed(fetched)


def _quarantine_failed(fetched: FetchResult) -> errors.ProviderError | None:
    """Return the error that stops the turn, if any."""
    general_error = _find_general_error(fetched)
    if general_error is not None:
        return general_error
    for step, error in fetched.failed:
        reason = "unexpected" if isinstance(error, errors.Unexpected) else mail_quarantine.DELAYED
        if step.thread_id is not None:
            fetched.single_ids += step.message_ids
        else:
            fetched.rejected[step.message_ids[0]] = reason
    fetched.failed = []
    return None


def _find_general_error(fetched: FetchResult) -> errors.ProviderError | None:
    for _, error in fetched.failed:
        is_throttled = isinstance(error, errors.RateLimited) or error.retry_after
        if is_throttled or not isinstance(error, _ITEM_ERRORS):
            return error
    return None
