"""
Guards code that holds plaintext: an error says where, and nothing of the content.

A crash reporter would send an exception's arguments and the variables of every frame.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError

from limited_use import traceback_scrubber
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

P = ParamSpec("P")
R = TypeVar("R")


class SinkFailed(Exception):
    """Code failed while plaintext was open. The text has the kind and the line."""


class WrongSink(Exception):
    """The permit is for another actor, purpose, recipient or kind of data."""


# Exceptions that need no details: a fresh instance replaces them.
_PASSED_TYPES: tuple[type[BaseException], ...] = (
    KeyboardInterrupt,
    SystemExit,
    WrongSink,
    Unopenable,
    KeyStoreUnavailable,
    # The database does not answer; the client may retry.
    OperationalError,
    InterfaceError,
)
# By name, because this package imports none of them: Celery's signals to a task; no free or no
# running parser process; too many waits of one person. The client may retry.
_PASSED_TYPE_NAMES = frozenset(
    {
        "SoftTimeLimitExceeded", "WorkerShutdown", "WorkerTerminate",
        "ParsersBusy", "ParsersUnavailable", "TooManyWaits",
    }
)  # fmt: skip


def guard_plaintext(function: Callable[P, R]) -> Callable[P, R]:
    """Remove arguments, frames and cause from exceptions of `function`."""

    @functools.wraps(function)
    def run_guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001
            replacement = _scrub_error(error, function.__qualname__)
            # This frame will be in the replacement's traceback.
            del args, kwargs
        # Outside the except block: inside, Python would attach the old exception as context.
        raise replacement from None

    return run_guarded


def _scrub_error(error: BaseException, where: str) -> BaseException:
    """Clear `error` and its chain, and return an exception that is safe to raise."""
    kind = type(error)
    frame_trace = error.__traceback__
    while frame_trace is not None and frame_trace.tb_next is not None:
        frame_trace = frame_trace.tb_next
    line = frame_trace.tb_lineno if frame_trace is not None else 0
    for linked_error in list(traceback_scrubber.iterate_chain(error)):
        traceback.clear_frames(linked_error.__traceback__)
        linked_error.__traceback__ = linked_error.__cause__ = linked_error.__context__ = None
        linked_error.args = ()
        vars(linked_error).clear()
    if issubclass(kind, _PASSED_TYPES) or kind.__name__ in _PASSED_TYPE_NAMES:
        return kind()
    return SinkFailed(f"{kind.__name__} in {where}:{line}")
