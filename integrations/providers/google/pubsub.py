"""
Notifications of Pub/Sub, verified before their body is read.

google-auth's check fetches the keys at every call, and checks neither issuer nor verified
address. Source: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from integrations.providers import errors, id_tokens, storable_values
from integrations.providers.id_tokens import SigningKeyCache
from integrations.providers.push import MailboxNotification

LEEWAY: Final = timedelta(seconds=10)
SCHEME: Final = "bearer"
# RFC 5321 §4.5.3.1.
MAX_ADDRESS: Final = 254


@dataclass(frozen=True, slots=True)
class PushSender:
    issuer: str
    audience: str
    account: str


def verify_notification(
    authorization: str,
    body: Callable[[], bytes],
    sender: PushSender,
    *,
    keys: SigningKeyCache,
    at: datetime,
) -> MailboxNotification:
    """
    :param body: called only if the token is valid
    :raises IdentityRejected: if the token is not that of `sender`; `reason` names the claim
    :raises Rejected: if the body is unreadable
    :raises Unavailable: if the provider's keys cannot be fetched
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != SCHEME:
        raise errors.IdentityRejected("carries no token", reason="missing")
    wrong_claim = _find_wrong_claim(
        id_tokens.decode_signed_token(token.strip(), keys=keys, at=at), sender, at
    )
    if wrong_claim:
        raise errors.IdentityRejected("the token is not of our subscription", reason=wrong_claim)
    return _parse_notification(body())


def _find_wrong_claim(claims: Mapping[str, Any], sender: PushSender, at: datetime) -> str:
    now, leeway = at.timestamp(), LEEWAY.total_seconds()
    checks = {
        "iss": claims.get("iss") in list(id_tokens.list_issuer_forms(sender.issuer)),
        "aud": bool(sender.audience) and claims.get("aud") == sender.audience,
        "email": bool(sender.account) and claims.get("email") == sender.account,
        "email_verified": claims.get("email_verified") is True,
        "exp": id_tokens.parse_timestamp(claims.get("exp"), 0) > now - leeway,
        "iat": id_tokens.parse_timestamp(claims.get("iat"), now + 2 * leeway) <= now + leeway,
    }
    return next((claim for claim, holds in checks.items() if not holds), "")


def _parse_notification(body: bytes) -> MailboxNotification:
    # The history id is ignored: the sync continues from its own cursor.
    address: object = None
    with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
        data = json.loads(body)["message"]["data"]
        address = json.loads(_decode_base64(data))["emailAddress"]
    is_storable = storable_values.clean_text(address) == address
    if not isinstance(address, str) or not 0 < len(address) <= MAX_ADDRESS or not is_storable:
        raise errors.Rejected("the notification cannot be read", reason="unreadable")
    return MailboxNotification(address)


def _decode_base64(data: str) -> bytes:
    # Pub/Sub writes base64; Gmail's documentation says base64url. Padding may be missing.
    plain = data.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
