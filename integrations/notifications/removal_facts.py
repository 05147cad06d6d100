"""
Select the true sentences of `removal_messages` for a connection.

A receipt states the facts at its signature. Pages and mails state the current facts, because a
grant kept for another product may have ended since.
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
from integrations.providers.product_names import PRODUCTS

from .removal_messages import (
    ACCESS_MESSAGES,
    ACCESS_OF_REVOCATION,
    TOKEN_MESSAGES,
    AccessOutcome,
    RemovalStatement,
    RemovalSubject,
    TokenOutcome,
    make_statement,
)

_UNDER_WAY = frozenset({ConnectionStatus.ENDING, ConnectionStatus.ENDED})


@dataclass(frozen=True, slots=True)
class RemovalSituation:
    subject: RemovalSubject
    access: AccessOutcome
    tokens: TokenOutcome

    @property
    def revocation_pages(self) -> tuple[str, ...]:
        """The provider's pages, if access may remain."""
        provider = PROVIDERS[self.subject.provider]
        return provider.revocation_pages if ACCESS_MESSAGES[self.access].may_remain else ()

    def state_plans(self) -> list[RemovalStatement]:
        access, tokens = ACCESS_MESSAGES[self.access], TOKEN_MESSAGES[self.tokens]
        statements = (
            make_statement(access.before, self.subject, is_kept=access.may_remain),
            make_statement(tokens.before, self.subject, is_kept=tokens.are_kept),
        )
        return [statement for statement in statements if statement is not None]


def predict_removal(connection: Connection, removed: Sequence[Integration]) -> RemovalSituation:
    """
    :param connection: not of local calendars, which have their own page
    :param removed: live integrations of `connection`
    """
    ids = {integration.id for integration in removed}
    others = _live_products(connection, apart_from=ids)
    subject = RemovalSubject(connection.provider, removed[0].product, others)
    provider = PROVIDERS[connection.provider]
    if others:
        return _describe_kept_access(connection, subject)
    if shared_grants.is_granted_elsewhere(connection):
        return RemovalSituation(subject, AccessOutcome.SHARED, TokenOutcome.ENDING)
    access = AccessOutcome.ASKED if provider.revokes else AccessOutcome.NOT_OFFERED
    return RemovalSituation(subject, access, TokenOutcome.ENDING)


def get_situation(job: PurgeJob) -> RemovalSituation:
    """:param job: freshly read"""
    prefetch_related_objects([job], "integration__connection__integrations__purge")
    connection, product = job.integration.connection, job.integration.product
    others = _live_products(connection, apart_from=())
    subject = RemovalSubject(connection.provider, product, others)
    if not PROVIDERS[connection.provider].grants:
        return RemovalSituation(subject, AccessOutcome.NEVER_GIVEN, TokenOutcome.NONE)
    if connection.status in _UNDER_WAY:
        is_ended = connection.ended_at is not None
        tokens = TokenOutcome.DESTROYED if is_ended else TokenOutcome.ENDING
        return RemovalSituation(subject, _get_final_access(connection), tokens)
    is_shared = job.revocation in {RevocationOutcome.PENDING, RevocationOutcome.NEEDED_ELSEWHERE}
    if is_shared and others and product not in others:
        return _describe_kept_access(connection, subject)
    return RemovalSituation(subject, AccessOutcome.RECONNECTED, TokenOutcome.RECONNECTED)


def list_sibling_jobs(job: PurgeJob) -> list[PurgeJob]:
    """Return the other removals of the connection, newest first."""
    prefetch_related_objects([job], "integration__connection__integrations__purge")
    return [sibling for sibling in _list_jobs(job.integration.connection) if sibling.id != job.id]


def _describe_kept_access(connection: Connection, subject: RemovalSubject) -> RemovalSituation:
    if connection.status == ConnectionStatus.REAUTH_REQUIRED:
        return RemovalSituation(subject, AccessOutcome.KEPT_ENDED, TokenOutcome.KEPT_ENDED)
    return RemovalSituation(subject, AccessOutcome.KEPT, TokenOutcome.KEPT)


def _get_final_access(connection: Connection) -> AccessOutcome:
    outcome = RevocationOutcome(connection.revocation)
    unfinished = {job.revocation for job in _list_jobs(connection) if job.step != PurgeStep.DONE}
    if outcome == RevocationOutcome.PENDING and unfinished == {RevocationOutcome.NEEDED_ELSEWHERE}:
        # Decided by the purges; stored in the connection when it has ended.
        return AccessOutcome.SHARED
    return ACCESS_OF_REVOCATION[outcome]


def _live_products(connection: Connection, *, apart_from: Collection[object]) -> tuple[str, ...]:
    # Filtered in Python, because they were fetched with the connection.
    integrations = [
        integration
        for integration in connection.integrations.all()
        if integration.is_live and integration.id not in apart_from
    ]
    return tuple(sorted((integration.product for integration in integrations), key=PRODUCTS.index))


def _list_jobs(connection: Connection) -> list[PurgeJob]:
    purges = [getattr(integration, "purge", None) for integration in connection.integrations.all()]
    jobs = [purge for purge in purges if purge is not None]
    return sorted(jobs, key=lambda job: (job.fenced_at, job.id), reverse=True)
