"""
Which sentences of `removal_messages` are true: found in the rows of the connection, now.

A receipt says what was true when it was signed. Pages and mails say what is true when they are
made: a grant that was kept for another product may have ended since.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects

from integrations.grants import shared_grants
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    PurgeJob,
    PurgeStep,
    RevocationOutcome,
)
from integrations.providers import PROVIDERS

from .removal_messages import ACCESS, OF_OUTCOME, TOKENS, Access, Statement, Subject, Tokens, state

_UNDER_WAY = frozenset({ConnectionStatus.ENDING, ConnectionStatus.ENDED})


@dataclass(frozen=True, slots=True)
class Situation:
    """A product that is or was removed, and what becomes or became of the access to its account."""

    subject: Subject
    access: Access
    tokens: Tokens

    @property
    def pages(self) -> tuple[str, ...]:
        """Return the provider's pages where a person ends our access, if it may remain."""
        provider = PROVIDERS[self.subject.provider]
        return provider.revocation_pages if ACCESS[self.access].may_remain else ()

    def state_plans(self) -> list[Statement]:
        """Return what is said of access and tokens before the removal."""
        access, tokens = ACCESS[self.access], TOKENS[self.tokens]
        said = (
            state(access.before, self.subject, is_kept=access.may_remain),
            state(tokens.before, self.subject, is_kept=tokens.are_kept),
        )
        return [one for one in said if one is not None]


def foresee(connection: Connection, removed: Sequence[Integration]) -> Situation:
    """
    Return what a disconnect of `removed`, live integrations of `connection`, comes to.

    :param connection: to a provider; calendars stored only in Antares have a page of their own
    """
    ids = {integration.id for integration in removed}
    others = _live_products(connection, apart_from=ids)
    subject = Subject(connection.provider, removed[0].product, others)
    provider = PROVIDERS[connection.provider]
    if others:
        return _of_kept(connection, subject)
    if shared_grants.lives_elsewhere(connection):
        return Situation(subject, Access.SHARED, Tokens.ENDING)
    access = Access.ASKED if provider.revokes else Access.NOT_OFFERED
    return Situation(subject, access, Tokens.ENDING)


def find(job: PurgeJob) -> Situation:
    """
    Return how it stands with a removal.

    :param job: read just now; what it has not fetched yet is fetched
    """
    prefetch_related_objects([job], "integration__connection__integrations__purge")
    connection, product = job.integration.connection, job.integration.product
    others = _live_products(connection, apart_from=())
    subject = Subject(connection.provider, product, others)
    if not PROVIDERS[connection.provider].grants:
        return Situation(subject, Access.NEVER_GIVEN, Tokens.NONE)
    if connection.status in _UNDER_WAY:
        is_ended = connection.ended_at is not None
        tokens = Tokens.DESTROYED if is_ended else Tokens.ENDING
        return Situation(subject, _access_at_the_end(connection), tokens)
    is_shared = job.revocation in {RevocationOutcome.PENDING, RevocationOutcome.NEEDED_ELSEWHERE}
    if is_shared and others and product not in others:
        return _of_kept(connection, subject)
    return Situation(subject, Access.RECONNECTED, Tokens.RECONNECTED)


def find_siblings(job: PurgeJob) -> list[PurgeJob]:
    """Return the other removals of the same connection, the newest first."""
    prefetch_related_objects([job], "integration__connection__integrations__purge")
    return [one for one in _jobs(job.integration.connection) if one.id != job.id]


def _of_kept(connection: Connection, subject: Subject) -> Situation:
    if connection.status == ConnectionStatus.REAUTH_REQUIRED:
        return Situation(subject, Access.KEPT_ENDED, Tokens.KEPT_ENDED)
    return Situation(subject, Access.KEPT, Tokens.KEPT)


def _access_at_the_end(connection: Connection) -> Access:
    """Return what became of the access of a connection that ends or has ended."""
    outcome = RevocationOutcome(connection.revocation)
    unfinished = {one.revocation for one in _jobs(connection) if one.step != PurgeStep.DONE}
    if outcome == RevocationOutcome.PENDING and unfinished == {RevocationOutcome.NEEDED_ELSEWHERE}:
        # Decided by the purges; the connection has it as soon as it has ended.
        return Access.SHARED
    return OF_OUTCOME[outcome]


def _live_products(connection: Connection, *, apart_from: Collection[object]) -> tuple[str, ...]:
    # Filtered here: they were fetched with the connection.
    live = [
        one for one in connection.integrations.all() if one.is_live and one.id not in apart_from
    ]
    return tuple(sorted((one.product for one in live), reverse=True))


def _jobs(connection: Connection) -> list[PurgeJob]:
    found = [getattr(one, "purge", None) for one in connection.integrations.all()]
    jobs = [one for one in found if one is not None]
    return sorted(jobs, key=lambda job: (job.fenced_at, job.id), reverse=True)
