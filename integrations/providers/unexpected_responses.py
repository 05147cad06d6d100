"""Unknown responses become `Unexpected`: the sync backs off and an operator is alarmed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from integrations.formats import timezones

from . import errors

P = ParamSpec("P")
R = TypeVar("R")

#: Errors of reading a response with an unknown shape.
UNREADABLE_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    timezones.UnreadableTime,
)


def raise_unexpected(method: Callable[P, R]) -> Callable[P, R]:
    """
    Decorate an adapter's method to raise `Unexpected` for an unreadable response.

    `reason` is the error's class. The error itself is dropped: its text may be personal data.
    """

    @wraps(method)
    def call_method(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except UNREADABLE_ERRORS as error:
            kind = type(error).__name__
        # Raised outside `except`: an error that holds a response must not become context.
        raise errors.Unexpected("the answer has another shape", reason=kind)

    return call_method
