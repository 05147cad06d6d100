"""Who signed in: an id_token, verified every time, and by us."""

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

from . import errors, http, unexpected_responses

LEEWAY: Final = timedelta(seconds=60)
# Keys are fetched again when they are this old, or when an unknown one is named,
# which anyone can do: not more often than that.
KEYS_FRESH_FOR: Final = timedelta(hours=6)
REFETCH_AFTER: Final = timedelta(seconds=60)
# With none at hand nobody is let in, so that is asked more often; but not by each who knocks.
RETRY_AFTER: Final = timedelta(seconds=5)
MAX_TOKEN: Final = 16 * 1024
MAX_SUBJECT: Final = 255
# Where an issuer has one of each tenant's own.
TENANT: Final = "{tenantid}"
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identity:
    """The account: `subject` is its key and never changes, `email` is only for showing."""

    subject: str
    email: str
    email_verified: bool


class KeyCache:
    """A provider's signing keys by id. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, RSAKey] = {}
        self._issuers: dict[str, str] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._lock = Lock()

    def find(self, kid: str, *, at: datetime) -> RSAKey | None:
        """
        Return the key named `kid`; None where the provider has none.

        :raises Unavailable: if there are no keys at hand and none can be fetched
        """
        with self._lock:
            age = _since(self._fetched_at, at)
            is_stale = age is None or age > KEYS_FRESH_FOR
            if (is_stale or kid not in self._keys) and self._may_ask(at):
                self._fetch(at)
            if not self._keys:
                raise errors.Unavailable("the provider's keys could not be fetched")
            return self._keys.get(kid)

    def issuer_of(self, kid: str) -> str:
        """Return whose tokens alone that key is good for; empty where its page does not say."""
        with self._lock:
            return self._issuers.get(kid, "")

    def _may_ask(self, at: datetime) -> bool:
        tried = _since(self._tried_at, at)
        return tried is None or tried > (REFETCH_AFTER if self._keys else RETRY_AFTER)

    def _fetch(self, at: datetime) -> None:
        # Whether it works or not: a page that is down is not asked by everybody.
        self._tried_at = at
        found, issuers = None, {}
        with suppress(http.NoAnswer, *unexpected_responses.KINDS, JoseError):
            response = http.get(self._url)
            if response.is_success:
                rsa = [key for key in response.json()["keys"] if key.get("kty") == "RSA"]
                imported = KeySet.import_key_set({"keys": rsa}).keys
                found = {str(key.kid): key for key in imported if isinstance(key, RSAKey)}
                issuers = {str(key["kid"]): str(key["issuer"]) for key in rsa if "issuer" in key}
        if found:
            self._keys, self._issuers = found, issuers
            self._fetched_at = at


def _since(moment: datetime | None, at: datetime) -> timedelta | None:
    """Return how long ago that was; None if never, or if the clock was turned back since."""
    return at - moment if moment is not None and moment <= at else None


_CACHES: dict[str, KeyCache] = {}


def keys_at(url: str) -> KeyCache:
    return _CACHES.setdefault(url, KeyCache(url))


def issuer_forms(issuer: str) -> frozenset[str]:
    """Return what may stand for `issuer`: Google signs with and without the scheme."""
    return frozenset({issuer, issuer.partition("://")[2] or issuer})


def may_be_issuer(named: str, issuer: str) -> bool:
    """
    Return whether a callback that names `named` may come from `issuer`.

    If each tenant has an issuer of its own, any tenant's may: which tenant it is, only the id_token
    says, and `verify` compares the two.
    """
    before, placeholder, after = issuer.partition(TENANT)
    if not placeholder:
        return named == issuer
    tenant = named.removeprefix(before).removesuffix(after)
    return bool(_GUID.fullmatch(tenant)) and named == f"{before}{tenant}{after}"


@dataclass(frozen=True, slots=True)
class Expected:
    """
    What an id_token must say to be ours; `access_token` is the one it came with.

    `issuer` may have `{tenantid}` in it, for what the claim `tid` says. `subject` are the claims
    that name the account, together and for ever; `shown` those that may be its address.
    `callback_issuer` is the issuer that the callback named; empty if it named none.
    """

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    callback_issuer: str = ""
    subject: tuple[str, ...] = ("sub",)
    shown: tuple[str, ...] = ("email",)


def verify(id_token: str, expected: Expected, *, keys: KeyCache, at: datetime) -> Identity:
    """
    Return who `id_token` says signed in, having checked every claim of it.

    Source: OpenID Connect Core §3.1.3.7, RFC 8725.

    :raises IdentityRejected: if any check fails; `reason` names the claim
    :raises IssuerMismatch: if all hold, and the callback named another issuer
    :raises Unavailable: if the provider's keys cannot be had
    """
    claims = signed(id_token, keys=keys, at=at)
    wrong = _wrong_claim(claims, expected, at, signer=keys.issuer_of(_kid(id_token)))
    if wrong:
        raise errors.IdentityRejected("the id_token is not for us now", reason=wrong)
    issuer = _issuer(expected.issuer, claims.get("tid"))
    if expected.callback_issuer and expected.callback_issuer != issuer:
        raise errors.IssuerMismatch("the callback named another issuer", reason="iss")
    return Identity(
        subject=_subject(claims, expected),
        email=next((str(claims[one]) for one in expected.shown if claims.get(one)), ""),
        email_verified=claims.get("email_verified") is True,
    )


def signed(token: str, *, keys: KeyCache, at: datetime) -> Mapping[str, Any]:
    """
    Return the claims of a token that the provider signed with RS256; none of them is checked.

    :raises IdentityRejected: if it did not
    :raises Unavailable: if the provider's keys cannot be had
    """
    key = keys.find(_kid(token), at=at)
    if key is None:
        raise errors.IdentityRejected("signed with a key that is not the provider's", reason="kid")
    claims: Mapping[str, Any] | None = None
    # A stranger wrote the header. The library raises TypeError for some values of `crit`.
    with suppress(JoseError, ValueError, TypeError, RecursionError):
        claims = jwt.decode(token, key, algorithms=["RS256"]).claims
    if claims is None:
        raise errors.IdentityRejected("the signature does not hold", reason="signature")
    return claims


def seconds(value: object, otherwise: float) -> float:
    """Return a claim that is a time, in seconds since the epoch; `otherwise` if it is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if is_number else otherwise  # type: ignore[arg-type]
    except OverflowError:
        return otherwise


def _kid(id_token: str) -> str:
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


def _subject(claims: Mapping[str, Any], expected: Expected) -> str:
    """Return the account's key; empty where a claim of it is missing or makes no sense."""
    parts = [claims.get(name) for name in expected.subject]
    if not all(isinstance(part, str) and part for part in parts):
        return ""
    whole = ".".join(str(part) for part in parts)
    is_fit = len(whole) <= MAX_SUBJECT and whole.isascii() and whole.isprintable()
    return whole if is_fit else ""


def _issuer(template: str, tenant: object) -> str:
    """Return the issuer of that tenant; empty where it is no tenant's name."""
    if TENANT not in template:
        return template
    # The claim becomes a part of an address: what is no GUID could make it another one.
    is_name = isinstance(tenant, str) and _GUID.fullmatch(tenant)
    return template.replace(TENANT, str(tenant)) if is_name else ""


def _wrong_claim(
    claims: Mapping[str, Any], expected: Expected, at: datetime, *, signer: str
) -> str:
    now, leeway = at.timestamp(), LEEWAY.total_seconds()
    issuer = _issuer(expected.issuer, claims.get("tid"))
    checks = {
        # A security event token is signed by the same keys and is no proof of sign-in.
        "events": "events" not in claims,
        "iss": bool(issuer) and claims.get("iss") in list(issuer_forms(issuer)),
        # A key that is one tenant's says nothing of another.
        "kid": not signer or _issuer(signer, claims.get("tid")) == issuer,
        "nbf": seconds(claims.get("nbf"), 0) <= now + leeway,
        # Exactly us: a list that holds us among others is for others.
        "aud": claims.get("aud") == expected.client_id,
        "azp": claims.get("azp", expected.client_id) == expected.client_id,
        "exp": seconds(claims.get("exp"), 0) > now - leeway,
        "iat": seconds(claims.get("iat"), now + 2 * leeway) <= now + leeway,
        "nonce": bool(expected.nonce) and _same(claims.get("nonce"), expected.nonce),
        "sub": bool(_subject(claims, expected)),
        "at_hash": "at_hash" not in claims
        or _same(claims["at_hash"], _half_hash(expected.access_token)),
    }
    return next((claim for claim, holds in checks.items() if not holds), "")


def _same(value: object, expected: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode(), expected.encode())


def _half_hash(access_token: str) -> str:
    digest = hashlib.sha256(access_token.encode("ascii", errors="replace")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode("ascii")
