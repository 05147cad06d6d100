"""For each requested scope, the narrower scopes of its provider, and what a feature would lack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise

from .method_scopes import (
    GOOGLE_PREFIX,
    GOOGLE_SCOPE_SIZES,
    LIMITS,
    METHODS,
    MICROSOFT_FAMILIES,
)


@dataclass(frozen=True, slots=True)
class NarrowerScope:
    """
    :param scope: without Google's prefix
    :param lacking: needed API methods that the scope does not let through
    :param limit: what it hides or does not reach, although it lets methods through; may be empty
    """

    scope: str
    lacking: tuple[str, ...]
    limit: str | Promise

    @property
    def is_enough(self) -> bool:
        """Return whether the features could work with it: the requested scope is too broad."""
        return not self.lacking and not str(self.limit)


def list_narrower_scopes(
    provider: str, scope: str, methods: Iterable[str]
) -> tuple[NarrowerScope, ...]:
    """
    Return the narrower scopes, those with the fewest lacking methods first.

    :param provider: display name
    :param methods: the API methods that features call with `scope`; none for a scope of identity
    """
    needed = sorted(methods)
    if not needed:
        return ()
    short_scope = scope.removeprefix(GOOGLE_PREFIX)
    candidates = _CANDIDATES[provider](short_scope)
    narrower = (_compare(provider, candidate, needed) for candidate in candidates)
    return tuple(sorted(narrower, key=lambda other: (len(other.lacking), other.scope)))


def _compare(provider: str, candidate: str, needed: list[str]) -> NarrowerScope:
    table = METHODS[provider]
    lacking = tuple(method for method in needed if candidate not in table[method].scopes)
    # A limit matters where some calls get through.
    limit = LIMITS.get(candidate, "") if len(lacking) < len(needed) else ""
    return NarrowerScope(candidate, lacking, limit)


def _list_google_candidates(scope: str) -> Iterator[str]:
    """Yield scopes of the same API that let fewer methods through, or reach less."""
    [sizes] = [sizes for sizes in GOOGLE_SCOPE_SIZES.values() if scope in sizes]
    return (
        other
        for other, size in sizes.items()
        if other != scope and (size < sizes[scope] or other in LIMITS)
    )


def _list_microsoft_candidates(scope: str) -> Iterator[str]:
    [family] = [family for family in MICROSOFT_FAMILIES if scope in family]
    return iter(family[: family.index(scope)])


_CANDIDATES: Final[Mapping[str, Callable[[str], Iterator[str]]]] = {
    "Google": _list_google_candidates,
    "Microsoft": _list_microsoft_candidates,
}
