"""Errors of requests about a draft that we have stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from integrations.providers import errors

_OF_THE_DRAFT: Final = (errors.Gone, errors.CursorExpired, errors.ChangedMeanwhile)


@contextmanager
def map_draft_errors() -> Iterator[None]:
    """
    Our draft is what is missing or has changed, not the answered message or a forwarded file.

    :raises OutcomeUnknown: the draft can be stored again
    """
    try:
        yield
    except _OF_THE_DRAFT as error:
        unknown = errors.OutcomeUnknown(
            "the stored draft is missing or has changed", status=error.status, reason=error.reason
        )
    else:
        return
    raise unknown
