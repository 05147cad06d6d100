"""Fetch planned calls in chunks, and hand each to be written; poison is told from outage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from integrations.providers import errors

from .mailbox import Fetched, singles
from .planner import Step
from .run import Run

# The newest messages, which somebody who just connected is waiting for.
FIRST_CHUNK = 50
CHUNK = 200
# An item that fails so often by itself, while the provider answers otherwise.
TRIES = 3
# So many runs in a row that failed on items: not an outage any more.
PATIENT_RUNS = 5

_OF_THE_ITEM = (errors.Unexpected, errors.Unavailable)


def in_chunks(
    run: Run,
    steps: Sequence[Step],
    write: Callable[[Fetched], None],
    *,
    first: int = CHUNK,
) -> bool:
    """
    Fetch and write chunk by chunk. Return False if the run's time was over before the end.

    :param write: takes what one chunk brought; poison among it is in `rejected`
    :raises ProviderError: what stops the whole mailbox, after what came was written
    """
    waiting = list(steps)
    size = first
    while waiting:
        if run.is_over:
            return False
        chunk = _up_to(waiting, size)
        chunk = chunk[: run.mailbox.affordable(chunk)]
        waiting = waiting[len(chunk) :]
        fetched = run.mailbox.fetch(chunk)
        stop = _retried(run, fetched)
        waiting = singles(fetched.single, run.mailbox.prices) + waiting
        write(fetched)
        if stop is not None:
            raise stop
        size = CHUNK
    return True


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
    for step, error in fetched.failed:
        reason = "unexpected" if isinstance(error, errors.Unexpected) else "unavailable"
        if step.thread_id is not None:
            fetched.single += step.wanted
        else:
            fetched.rejected[step.wanted[0]] = reason
    fetched.failed = []
    return None


def _whole_mailbox(fetched: Fetched) -> errors.ProviderError | None:
    for _, error in fetched.failed:
        if isinstance(error, errors.RateLimited) or not isinstance(error, _OF_THE_ITEM):
            return error
    return None
