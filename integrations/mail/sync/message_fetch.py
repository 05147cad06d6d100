"""
Fetch planned calls in chunks, or one message at a time, and hand what they bring to be written.

A message that cannot be read is told from a provider that does not answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from integrations.providers import errors
from integrations.providers.mail import is_provider_id
from limited_use import traceback_scrubber

from . import bad_messages, quarantine
from .fetch_planner import Step
from .session import Changes, Run
from .throttled_mailbox import Fetched, singles

logger = logging.getLogger(__name__)

# The newest messages, which somebody who just connected is waiting for.
FIRST_CHUNK = 50
CHUNK = 200
# An item is tried so often without a pause, while the provider answers otherwise.
TRIES = 2
# So many runs in a row that failed on items: not an outage any more.
PATIENT_RUNS = 5

_OF_THE_ITEM = (errors.Unexpected, errors.Unavailable)


def in_chunks(
    run: Run,
    steps: Sequence[Step],
    write: Callable[[Fetched], None],
    *,
    first: int = CHUNK,
    were_aside: bool = False,
) -> bool:
    """
    Fetch and write chunk by chunk. Return False if the run's time was over before the end.

    After crashes, one message at a time.

    :param write: takes what one chunk brought; poison among it is in `rejected`
    :param were_aside: the messages were set aside before: what the provider does not deliver of
        them says nothing of the others
    :raises ProviderError: what stops the whole mailbox, after what came was written
    """
    if run.is_careful:
        message_ids = [one for step in steps for one in step.wanted]
        return one_by_one(run, message_ids, write, were_aside=were_aside)
    waiting = _askable(run, steps, write)
    size = first
    while waiting:
        if run.is_over:
            return False
        chunk = _up_to(waiting, size)
        chunk = chunk[: run.mailbox.affordable(chunk)]
        waiting = waiting[len(chunk) :]
        fetched = run.mailbox.fetch(chunk)
        stop = _delayed(fetched) if were_aside else _retried(run, fetched)
        waiting = singles(fetched.single, run.mailbox.prices) + waiting
        write(fetched)
        if stop is not None:
            raise stop
        size = CHUNK
    return True


def one_by_one(
    run: Run,
    message_ids: Sequence[str],
    write: Callable[[Fetched], None],
    *,
    were_aside: bool = False,
) -> bool:
    """
    Fetch and write each message by itself. Return False if the run's time was over before the end.

    Each is noted before, so that the one that a worker dies of is known to the next turn.

    :param write, were_aside: see `in_chunks`
    :raises ProviderError: see `in_chunks`
    """
    if not message_ids:
        return True
    is_readable = False
    for step in _askable(run, singles(message_ids, run.mailbox.prices), write):
        if run.is_over:
            return False
        run.mailbox.affordable([step])
        run.note(step.wanted[0])
        try:
            stop = _one(run, step, write, were_aside=were_aside)
        except Exception as error:  # noqa: BLE001 - sets the message aside, or is raised again
            _blame(run, step, error, write, is_readable=is_readable)
            continue
        if stop is not None:
            raise stop
        is_readable = True
    return True


def _one(
    run: Run, step: Step, write: Callable[[Fetched], None], *, were_aside: bool
) -> errors.ProviderError | None:
    """Fetch and write one message; return what stops the run, if something does."""
    fetched = run.mailbox.fetch([step])
    stop = _delayed(fetched) if were_aside else _retried(run, fetched)
    write(fetched)
    return stop


def _blame(
    run: Run, step: Step, error: Exception, write: Callable[[Fetched], None], *, is_readable: bool
) -> None:
    """
    Set the message aside that raised `error`, if others were read before it.

    Otherwise the error may be of all messages: it is raised again, and the note stays.
    """
    if bad_messages.concerns_all(error) and not isinstance(error, MemoryError):
        # Takes the note back.
        run.commit(Changes())
        raise error
    if not is_readable:
        raise error
    traceback_scrubber.clear(error)
    logger.error(
        "sync.message_crashed",
        extra={"integration_id": run.owner.integration_id, "error": type(error).__name__},
    )
    write(Fetched(rejected={step.wanted[0]: bad_messages.CRASHED}))


def _askable(run: Run, steps: Sequence[Step], write: Callable[[Fetched], None]) -> list[Step]:
    """Return the calls that can be made; a message whose id is no provider's is set aside."""
    kept: list[Step] = []
    unusable: dict[str, str] = {}
    for step in steps:
        wanted = [one for one in step.wanted if is_provider_id(one)]
        unusable |= dict.fromkeys(set(step.wanted).difference(wanted), bad_messages.UNDECODABLE)
        is_whole = len(wanted) == len(step.wanted)
        if is_whole and (step.thread_id is None or is_provider_id(step.thread_id)):
            kept.append(step)
        else:
            kept += singles(wanted, run.mailbox.prices)
    if unusable:
        write(Fetched(rejected=unusable))
    return kept


def _up_to(steps: Iterable[Step], size: int) -> list[Step]:
    chunk: list[Step] = []
    count = 0
    for step in steps:
        chunk.append(step)
        count += len(step.wanted)
        if count >= size:
            break
    return chunk


def _retried(run: Run, fetched: Fetched) -> errors.ProviderError | None:
    """Try what failed by itself again; return what stops the run, if something does."""
    for _ in range(TRIES - 1):
        stop = _whole_mailbox(fetched)
        if stop is not None or not fetched.failed:
            return stop
        again = [step for step, _ in fetched.failed]
        fetched.failed = []
        run.mailbox.affordable(again)
        more = run.mailbox.fetch(again)
        fetched.messages += more.messages
        fetched.gone += more.gone
        fetched.rejected |= more.rejected
        fetched.single += more.single
        fetched.failed = more.failed
    if not fetched.failed:
        return None
    brought = fetched.messages or fetched.gone or fetched.rejected
    if not brought and run.work.failure_count < PATIENT_RUNS:
        return fetched.failed[0][1]
    return _delayed(fetched)


def _delayed(fetched: Fetched) -> errors.ProviderError | None:
    """Have what failed by itself set aside; return what stops the run, if something does."""
    stop = _whole_mailbox(fetched)
    if stop is not None:
        return stop
    for step, error in fetched.failed:
        reason = "unexpected" if isinstance(error, errors.Unexpected) else quarantine.DELAYED
        if step.thread_id is not None:
            fetched.single += step.wanted
        else:
            fetched.rejected[step.wanted[0]] = reason
    fetched.failed = []
    return None


def _whole_mailbox(fetched: Fetched) -> errors.ProviderError | None:
    for _, error in fetched.failed:
        is_throttled = isinstance(error, errors.RateLimited) or error.retry_after
        if is_throttled or not isinstance(error, _OF_THE_ITEM):
            return error
    return None
