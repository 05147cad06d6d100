"""Exceptions after which the same request may soon succeed."""

from __future__ import annotations

from typing import Final

from integrations.coordination.person_slots import TooManyWaits
from integrations.parsers.parser_pool import ParsersBusy
from integrations.providers.errors import RateLimited

from . import problem_catalogue as catalogue
from .problem_catalogue import ProblemType

#: A page retries by itself after these. Part of `urls.error_table.PROBLEMS`.
TEMPORARY_PROBLEMS: Final[dict[type[Exception], ProblemType]] = {
    TooManyWaits: catalogue.TOO_MANY_WAITS,
    RateLimited: catalogue.PROVIDER_RATE_LIMITED,
    # No parser process was free in time.
    ParsersBusy: catalogue.BUSY,
}
