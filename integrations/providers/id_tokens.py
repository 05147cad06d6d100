from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from . import errors, provider_http, unexpected_responses

LEEWAY: Final = timedelta(seconds=60)
# Keys are fetched again at this age, or for an unknown key id; anyone can send one, so fetches
# have a minimum pause.
KEYS_FRESH_FOR: Final = timedelta(hours=6)
REFETCH_AFTER: Final = timedelta(seconds=60)
# Without any keys no sign-in works, so fetches are more frequent, but still limited.
RETRY_AFTER: Final = timedelta(seconds=5)
MAX_TOKEN: Final = 16 * 1024
MAX_SUBJECT: Final = 255
# The placeholder in issuers that differ by tenant.
TENANT_PLACEHOLDER: Final = "{tenantid}"
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identity:
    """`subject` is the account's permanent key; `email` is for display only."""

    subject: str
    email: str
    email_verified: bool


class SigningKeyCache:
    """A provider's keys by id, shared by threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, RSAKey] = {}
        self._issuers: dict[str, str] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._lock = Lock()

    def find_key(self, kid: str, *, at: datetime) -> RSAKey | None:
        """:raises Unavailable: if no keys are cached and none can be fetched"""
        with self._lock:
            age = _get_age(self._fetched_at, at)
            is_stale = age is None or age > KEYS_FRESH_FOR
            if (is_stale or kid not in self._keys) and self._may_fetch(at):
                self._fetch_keys(at)
            if not self._keys:
                raise errors.Unavailable("the provider's keys could not be fetched")
            return self._keys.get(kid)

    def get_key_issuer(self, kid: str) -> str:
        """Return the only issuer that a key may sign for, if the key page names one."""
        with self._lock:
            return self._issuers.get(kid, "")

    def _may_fetch(self, at: datetime) -> bool:
        last_attempt_age = _get_age(self._tried_at, at)
        return last_attempt_age is None or last_attempt_age > (
            REFETCH_AFTER if self._keys else RETRY_AFTER
        )

    def _fetch_keys(self, at: datetime) -> None:
        # Also set after a failure, so that not every caller requests a page that is down.
        self._tried_at = at
        fetched_keys, issuers = None, {}
        with suppress(provider_http.NoResponse, *unexpected_responses.UNREADABLE_ERRORS, JoseError):
            response = provider_http.fetch_document(self._url)
            if response.is_success:
                rsa = [key for key in response.json()["keys"] if key.get("kty") == "RSA"]
                imported = KeySet.import_key_set({"keys": rsa}).keys
                fetched_keys = {str(key.kid): key for key in imported if isinstance(key, RSAKey)}
                issuers = {str(key["kid"]): str(key["issuer"]) for key in rsa if "issuer" in key}
        if fetched_keys:
            self._keys, self._issuers = fetched_keys, issuers
            self._fetched_at = at


def _get_age(earlier: datetime | None, at: datetime) -> timedelta | None:
    """None if the clock was set back."""
    return at - earlier if earlier is not None and earlier <= at else None


_CACHES: dict[str, SigningKeyCache] = {}


def get_key_cache(url: str) -> SigningKeyCache:
    return _CACHES.setdefault(url, SigningKeyCache(url))


def list_issuer_forms(issuer: str) -> frozenset[str]:
    """Google signs with and without the scheme."""
    return frozenset({issuer, issuer.partition("://")[2] or issuer})


def may_be_issuer(callback_issuer: str, issuer: str) -> bool:
    """
    Return whether a callback may come from `issuer`.

    If each tenant has its own issuer, any tenant matches; `verify_id_token` compares the tenants.
    """
    before, placeholder, after = issuer.partition(TENANT_PLACEHOLDER)
    if not placeholder:
        return callback_issuer == issuer
    tenant = callback_issuer.removeprefix(before).removesuffix(after)
    return bool(_GUID.fullmatch(tenant)) and callback_issuer == f"{before}{tenant}{after}"


@dataclass(frozen=True, slots=True)
class ExpectedClaims:
    """
    The claims that an id_token must have; `access_token` came with it.

    `issuer` may contain `{tenantid}`, for the claim `tid`. `subject_claims` together identify the
    account for ever; `address_claims` may hold its address. `callback_issuer` is from the
    callback, or empty.
    """

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    callback_issuer: str = ""
    subject_claims: tuple[str, ...] = ("sub",)
    address_claims: tuple[str, ...] = ("email",)


def verify_id_token(
    id_token: str, expected: ExpectedClaims, *, keys: SigningKeyCache, at: datetime
) -> Identity:
    """
    Check every claim. Source: OpenID Connect Core §3.1.3.7, RFC 8725.

    :raises IdentityRejected: if a check fails; `reason` names the claim
    :raises IssuerMismatch: if all checks pass, but the callback named another issuer
    :raises Unavailable: if the provider's keys cannot be fetched
    """
    claims = decode_signed_token(id_token, keys=keys, at=at)
    wrong_claim = _find_wrong_claim(
        claims, expected, at, key_issuer=keys.get_key_issuer(_read_key_id(id_token))
    )
    if wrong_claim:
        raise errors.IdentityRejected("the id_token is not for us now", reason=wrong_claim)
    issuer = _format_issuer(expected.issuer, claims.get("tid"))
    if expected.callback_issuer and expected.callback_issuer != issuer:
        raise errors.IssuerMismatch("the callback named another issuer", reason="iss")
    return Identity(
        subject=_build_subject(claims, expected),
        email=next(
            (str(claims[claim]) for claim in expected.address_claims if claims.get(claim)), ""
        ),
        email_verified=claims.get("email_verified") is True,
    )


def decode_signed_token(token: str, *, keys: SigningKeyCache, at: datetime) -> Mapping[str, Any]:
    """
    Return the unchecked claims of a token signed with RS256.

    :raises IdentityRejected: if the signature is not the provider's
    :raises Unavailable: if the provider's keys cannot be fetched
    """
    key = keys.find_key(_read_key_id(token), at=at)
    if key is None:
        raise errors.IdentityRejected("signed with a key that is not the provider's", reason="kid")
    claims: Mapping[str, Any] | None = None
    # The header is untrusted. The library raises TypeError for some values of `crit`.
    with suppress(JoseError, ValueError, TypeError, RecursionError):
        claims = jwt.decode(token, key, algorithms=["RS256"]).claims
    if claims is None:
        raise errors.IdentityRejected("the signature does not hold", reason="signature")
    return claims


def parse_timestamp(value: object, default: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if is_number else default  # type: ignore[arg-type]
    except OverflowError:
        return default


def _read_key_id(id_token: str) -> str:
    header: Any = None
    if len(id_token) <= MAX_TOKEN:
        with suppress(ValueError, RecursionError):
            encoded = id_token.partition(".")[0]
            header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    if not isinstance(header, dict) or header.get("alg") != "RS256":
        raise errors.IdentityRejected("not signed with RS256", reason="alg")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise errors.IdentityRejected("names no key", reason="kid")
    return kid


def _build_subject(claims: Mapping[str, Any], expected: ExpectedClaims) -> str:
    parts = [claims.get(name) for name in expected.subject_claims]
    if not all(isinstance(part, str) and part for part in parts):
        return ""
    subject = ".".join(str(part) for part in parts)
    is_fit = len(subject) <= MAX_SUBJECT and subject.isascii() and subject.isprintable()
    return subject if is_fit else ""


def _format_issuer(template: str, tenant: object) -> str:
    if TENANT_PLACEHOLDER not in template:
        return template
    # The claim becomes part of a URL, so only a GUID is accepted.
    is_name = isinstance(tenant, str) and _GUID.fullmatch(tenant)
    return template.replace(TENANT_PLACEHOLDER, str(tenant)) if is_name else ""


def _find_wrong_claim(
    claims: Mapping[str, Any], expected: ExpectedClaims, at: datetime, *, key_issuer: str
) -> str:
    now, leeway = at.timestamp(), LEEWAY.total_seconds()
    issuer = _format_issuer(expected.issuer, claims.get("tid"))
    checks = {
        # Security event tokens have the same signing keys and prove no sign-in.
        "events": "events" not in claims,
        "iss": bool(issuer) and claims.get("iss") in list(list_issuer_forms(issuer)),
        # A key of one tenant signs for no other tenant.
        "kid": not key_issuer or _format_issuer(key_issuer, claims.get("tid")) == issuer,
        "nbf": parse_timestamp(claims.get("nbf"), 0) <= now + leeway,
        # A token for several audiences is for others as well.
        "aud": claims.get("aud") == expected.client_id,
        "azp": claims.get("azp", expected.client_id) == expected.client_id,
        "exp": parse_timestamp(claims.get("exp"), 0) > now - leeway,
        "iat": parse_timestamp(claims.get("iat"), now + 2 * leeway) <= now + leeway,
        "nonce": bool(expected.nonce) and _is_equal(claims.get("nonce"), expected.nonce),
        "sub": bool(_build_subject(claims, expected)),
        "at_hash": "at_hash" not in claims
        or _is_equal(claims["at_hash"], _hash_access_token(expected.access_token)),
    }
    return next((claim for claim, holds in checks.items() if not holds), "")


def _is_equal(value: object, expected: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode(), expected.encode())


def _hash_access_token(access_token: str) -> str:
    digest = hashlib.sha256(access_token.encode("ascii", errors="replace")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode("ascii")
