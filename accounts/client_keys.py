"""
The public keys of service clients: a JSON Web Key Set (RFC 7517).

A private key is refused wherever it stands in the text, so that none is stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MAX_KEYS: Final = 10
#: Characters of a key set: ten RSA keys of 8,192 bits.
MAX_KEY_SET: Final = 20_000
#: The signature algorithms of client assertions. The library's default includes HS256, with which a
#: public key would pass as a shared secret.
ALGORITHMS: Final = ("RS256", "ES256")
_KINDS: Final = frozenset({"RSA", "EC"})
#: RFC 7518 §6.2.2, §6.3.2 and §6.4.1.
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PRIVATE_TEXT: Final = re.compile(r'PRIVATE KEY|"(?:d|p|q|dp|dq|qi|oth|k)"\s*:')
#: The members that are stored. A set may have others, of which we know nothing.
_STORED_MEMBERS: Final = ("kty", "kid", "use", "alg", "key_ops", "crv", "x", "y", "n", "e")
_KID: Final = re.compile(r"[\x20-\x7e]{1,128}")


class KeySetFault(StrEnum):
    # The text is no JSON object with a list `keys`.
    UNREADABLE = "unreadable"
    TOO_LONG = "too_long"
    EMPTY = "empty"
    TOO_MANY = "too_many"
    PRIVATE = "private"
    # Neither RSA nor P-256, or not for signatures.
    UNSUPPORTED = "unsupported"
    # RSA with fewer or far more bits than usual.
    SIZE = "size"
    # Without `kid`, or two keys have the same.
    KID = "kid"


class UnusableClientKeys(Exception):
    """These are not public RSA or P-256 keys, each with its own `kid`; `fault` says why."""

    def __init__(self, fault: KeySetFault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True, slots=True)
class ClientKey:
    """
    :param kind: `RSA 2048`, `P-256`
    :param thumbprint: RFC 7638, SHA-256, base64url
    """

    kid: str
    kind: str
    thumbprint: str


def has_private_key(text: str) -> bool:
    """Return whether a text seems to contain a private or shared key, whatever else it is."""
    return _PRIVATE_TEXT.search(text) is not None


def parse_key_set(text: str) -> dict[str, Any]:
    """
    Return the public keys of a text.

    :raises UnusableClientKeys:
    """
    if has_private_key(text):
        raise UnusableClientKeys(KeySetFault.PRIVATE)
    if len(text) > MAX_KEY_SET:
        raise UnusableClientKeys(KeySetFault.TOO_LONG)
    try:
        key_set = json.loads(text)
    except (ValueError, RecursionError):
        key_set = None
    if not isinstance(key_set, dict):
        raise UnusableClientKeys(KeySetFault.UNREADABLE)
    return check_public_keys(key_set)


def check_public_keys(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return `jwks` with the members that are stored.

    :raises UnusableClientKeys:
    """
    if any(name in _PRIVATE_MEMBERS for name in _iterate_member_names(jwks)):
        raise UnusableClientKeys(KeySetFault.PRIVATE)
    listed = jwks.get("keys")
    if not isinstance(listed, list) or not all(isinstance(key, dict) for key in listed):
        raise UnusableClientKeys(KeySetFault.UNREADABLE)
    if not listed:
        raise UnusableClientKeys(KeySetFault.EMPTY)
    if len(listed) > MAX_KEYS:
        raise UnusableClientKeys(KeySetFault.TOO_MANY)
    stored = [{name: key[name] for name in _STORED_MEMBERS if name in key} for key in listed]
    _check_kids(stored)
    for key in stored:
        _check_key(key)
    return {"keys": stored}


def list_client_keys(jwks: Mapping[str, Any]) -> list[ClientKey]:
    """:param jwks: of `check_public_keys`"""
    return [
        ClientKey(str(key.kid), _describe_kind(key), key.thumbprint())
        for key in KeySet.import_key_set(dict(jwks)).keys  # type: ignore[arg-type]  # stored JSON
    ]


def _iterate_member_names(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield from part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _check_kids(keys: list[dict[str, Any]]) -> None:
    kids = [key.get("kid") for key in keys]
    are_texts = all(isinstance(kid, str) and _KID.fullmatch(kid) for kid in kids)
    if not are_texts or len(set(kids)) != len(kids):
        raise UnusableClientKeys(KeySetFault.KID)


def _check_key(member: Mapping[str, Any]) -> None:
    key = _import_key(member)
    if isinstance(key, RSAKey):
        if not MIN_RSA_BITS <= key.public_key.key_size <= MAX_RSA_BITS:
            raise UnusableClientKeys(KeySetFault.SIZE)
        algorithm = "RS256"
    elif isinstance(key, ECKey) and key.curve_name == "P-256":
        algorithm = "ES256"
    else:
        raise UnusableClientKeys(KeySetFault.UNSUPPORTED)
    operations = member.get("key_ops", ["verify"])
    verifies = isinstance(operations, list) and "verify" in operations
    if not (
        member.get("use", "sig") == "sig" and verifies and member.get("alg", algorithm) == algorithm
    ):
        raise UnusableClientKeys(KeySetFault.UNSUPPORTED)


def _import_key(member: Mapping[str, Any]) -> object:
    if str(member.get("kty")) not in _KINDS:
        raise UnusableClientKeys(KeySetFault.UNSUPPORTED)
    try:
        [key] = KeySet.import_key_set({"keys": [dict(member)]}).keys
        # Reads the numbers, which the library does not do before.
        key.thumbprint()
        return key if getattr(key, "public_key", None) is not None else None
    except (JoseError, KeyError, TypeError, ValueError, AttributeError):
        pass
    raise UnusableClientKeys(KeySetFault.UNREADABLE)


def _describe_kind(key: object) -> str:
    if isinstance(key, RSAKey):
        return f"RSA {key.public_key.key_size}"
    return key.curve_name if isinstance(key, ECKey) else ""
