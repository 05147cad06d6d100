"""The sink of comparisons: sealed rows in, one yes or no out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from accounts.actors import Actor
from limited_use.policy.policy_vocabulary import Purpose, Recipient

from . import sealed_rows
from .sealed_rows import Permits, SealedRow
from .traceback_guard import guard_plaintext

__all__ = ["SealedRow", "are_all_known"]


@guard_plaintext
def are_all_known(  # noqa: PLR0913 - what is compared, and why it may
    values: frozenset[str],
    rows: Sequence[SealedRow],
    *,
    permits: Permits,
    actor: Actor,
    pick: Callable[[Mapping[str, bytes]], Iterable[str]],
    at: datetime,
) -> bool:
    """
    Return whether the rows contain each of `values`, and nothing else about them.

    Every row is opened and every value is looked up, whatever is found: neither the answer nor its
    time tells which value is unknown. Damaged columns are left out.

    :param pick: returns the values of a row's opened columns
    :raises WrongSink, Unopenable:
    """
    sealed_rows.check_permits(
        permits, actor=actor, purposes={Purpose.DRAFT_PROPOSE}, recipients={Recipient.VAULT}
    )
    known: set[str] = set()
    for _, opened in sealed_rows.open_rows(rows, permits, at=at, skip_damaged=True):
        known.update(pick(opened))
    return not values - known
