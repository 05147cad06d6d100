"""
Grants that a provider issued and that are not stored yet.

A process that is killed in between would leave a grant at the provider that nobody revokes. The
attempt therefore keeps its token, encrypted under a derived key, until the attempt ends.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Final

from accounts.mfa_secrets import SecretUnreadable, decrypt_secret, encrypt_secret
from integrations.models import AttemptOutcome, ConnectAttempt
from integrations.providers import PROVIDERS
from integrations.providers.oauth_client import TokenSet

from . import provider_credentials

logger = logging.getLogger(__name__)

_CONTEXT: Final = b"antares unsaved grant v1"
_SWEPT_AT_ONCE: Final = 100


def keep_grant(attempt: ConnectAttempt, tokens: TokenSet, *, account_blind: bytes | None) -> None:
    """Keep the token of a grant that the provider can revoke; the attempt's end forgets it."""
    if account_blind is None or not PROVIDERS[attempt.provider].revokes:
        return
    token = tokens.refresh_token or tokens.access_token
    sealed = encrypt_secret(json.dumps([token, account_blind.hex()]), context=_CONTEXT)
    pending = ConnectAttempt.objects.filter(id=attempt.id, outcome=AttemptOutcome.PENDING)
    pending.update(unsaved_grant=sealed)


def revoke_left_grants(*, at: datetime) -> None:
    """Revoke grants of attempts that expired before their process stored or discarded the grant."""
    left = ConnectAttempt.objects.filter(outcome=AttemptOutcome.EXPIRED).exclude(unsaved_grant="")
    for attempt in left.order_by("id")[:_SWEPT_AT_ONCE]:
        try:
            token, account_blind = json.loads(
                decrypt_secret(attempt.unsaved_grant, context=_CONTEXT)
            )
        except SecretUnreadable:
            logger.exception("grant.left_unreadable", extra={"about": attempt.id})
        else:
            provider_credentials.discard_tokens(
                TokenSet(
                    access_token="",
                    refresh_token=token,
                    expires_at=at,
                    refresh_expires_at=None,
                    granted_scopes=None,
                ),
                provider=attempt.provider,
                account_blind=bytes.fromhex(account_blind),
                about=attempt.id,
                excluded_connection_id=None,
                at=at,
            )
        ConnectAttempt.objects.filter(id=attempt.id).update(unsaved_grant="")
