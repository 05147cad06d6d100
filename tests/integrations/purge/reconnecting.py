"""A person who connects the account again, from Google's answer on, while purges of it may run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from accounts import row_owner
from integrations.access import scopes
from integrations.connections import callback, connect_outcomes
from integrations.models import AttemptOutcome, ConnectAttempt, Connection
from integrations.providers import PROVIDERS
from integrations.providers.id_tokens import Identity
from integrations.providers.oauth_client import TokenSet
from tests import factories
from tests.integrations.purge.interleaving import Worker

# What a request does about any other refusal is decided outside of the transactions tested here.
_REFUSALS = tuple(connect_outcomes.OUTCOMES)


@dataclass(frozen=True)
class Reconnect:
    """:param token: the refresh token that Google has just issued"""

    attempt: ConnectAttempt
    token: str
    worker: Worker

    def read_connection(self) -> Connection | None:
        """Return the connection that the new grant was stored in; None: the connect was refused."""
        self.attempt.refresh_from_db()
        return self.attempt.connection

    @property
    def refusal(self) -> str:
        refused = self.worker.ignored
        return "killed" if refused is None else type(refused).__name__


def start_reconnect(
    connection: Connection, product: str, *, subject: str, token: str, at: datetime
) -> Reconnect:
    """Start a worker that stores the grant of a new consent for `product` as the callback does."""
    provider = PROVIDERS["google"]
    features = scopes.features_for(product)
    attempt = factories.make_attempt(
        connection.user,
        connection.organisation,
        product=product,
        outcome=AttemptOutcome.PENDING,
        feature_versions={feature.key: feature.version for feature in features},
        at=at,
    )
    granted = scopes.get_product_scopes(provider, "mail") | scopes.get_product_scopes(
        provider, "calendar"
    )
    tokens = TokenSet(
        "ya29.new",
        token,
        at + timedelta(hours=1),
        None,
        granted,
        Identity(subject, "alice@mail.example", email_verified=True),
    )
    work = partial(_store, attempt, tokens, at=at)
    return Reconnect(attempt, token, Worker(work, ignored=_REFUSALS))


def _store(attempt: ConnectAttempt, tokens: TokenSet, *, at: datetime) -> None:
    with row_owner.acting_for(attempt.user_id, attempt.organisation_id):
        callback._save_or_discard(attempt, tokens, provider=PROVIDERS["google"], at=at)
