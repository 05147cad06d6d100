"""
Redirect URIs of service clients: where the authorization server may send people back to.

They are compared character by character (RFC 9700 §2.1), so each has exactly one spelling: a URI
that a browser would rewrite before it goes there is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from authlib.common.urls import add_params_to_uri

from accounts.models.client import MAX_REDIRECT_URI

MAX_REDIRECT_URIS: Final = 10
_LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_DEFAULT_PORTS: Final = {"https": "443", "http": "80"}
#: The characters of RFC 3986, with complete escapes in capitals.
_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-F]{2})*")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: No IPv6 address: a content security policy cannot name one, so the page of authorization could
#: not let the browser go there (CSP 3, host-source).
_AUTHORITY: Final = re.compile(r"(?P<host>[^:\[\]]+)(?::(?P<port>[1-9][0-9]{0,4}))?")
_DOT_SEGMENT: Final = re.compile(r"/(?:\.|%2E){1,2}(?:/|$)")
#: An escape of a character that needs none.
_NEEDLESS_ESCAPE: Final = re.compile(r"%(?:3[0-9]|[46][1-9A-F]|[57][0-9A]|2D|2E|5F|7E)")
#: Parameters of the server's own answer (RFC 6749 §4.1.2, RFC 9207).
_ANSWER_PARAMETERS: Final = frozenset({"code", "state", "error", "error_description", "iss"})
_MAX_HOST: Final = 253
_MAX_PORT: Final = 65535


class RedirectUriFault(StrEnum):
    TOO_MANY = "too_many"
    TWICE = "twice"
    TOO_LONG = "too_long"
    # A space, a control character, a letter beyond ASCII, or an incomplete escape.
    CHARACTER = "character"
    FRAGMENT = "fragment"
    WILDCARD = "wildcard"
    # Neither https, nor http to the own machine.
    SCHEME = "scheme"
    USER = "user"
    HOST = "host"
    # A browser would write it differently.
    SPELLING = "spelling"
    # The query would not stay as it is when the answer is added to it.
    QUERY = "query"
    PARAMETER = "parameter"


class UnusableRedirectUri(Exception):
    """
    A redirect URI may not be registered.

    :param place: its place in the list, from 0
    """

    def __init__(self, fault: RedirectUriFault, place: int) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.place = place


class _FaultFound(Exception):
    def __init__(self, fault: RedirectUriFault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def check_redirect_uris(uris: Sequence[str]) -> list[str]:
    """
    Return the URIs as they are. A client may have none; then nobody is sent back to it.

    :raises UnusableRedirectUri:
    """
    for place, uri in enumerate(uris):
        try:
            _check_uri(uri)
            _refuse_if(place >= MAX_REDIRECT_URIS, RedirectUriFault.TOO_MANY)
            _refuse_if(uri in uris[:place], RedirectUriFault.TWICE)
        except _FaultFound as error:
            raise UnusableRedirectUri(error.fault, place) from None
    return list(uris)


def _check_uri(uri: str) -> None:
    """:raises _FaultFound:"""
    _refuse_if(len(uri) > MAX_REDIRECT_URI, RedirectUriFault.TOO_LONG)
    _refuse_if(not _CHARACTERS.fullmatch(uri), RedirectUriFault.CHARACTER)
    _refuse_if("#" in uri, RedirectUriFault.FRAGMENT)
    _refuse_if("*" in uri, RedirectUriFault.WILDCARD)
    scheme, separator, _ = uri.partition("://")
    _refuse_if(not separator or scheme.lower() not in _DEFAULT_PORTS, RedirectUriFault.SCHEME)
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise _FaultFound(RedirectUriFault.HOST) from None
    _refuse_if("@" in parts.netloc, RedirectUriFault.USER)
    _refuse_if(
        scheme + parts.netloc != f"{scheme}{parts.netloc}".lower(), RedirectUriFault.SPELLING
    )
    _check_authority(parts)
    _check_path(parts)
    # authlib reads the query and writes it again when it adds its answer; RFC 6749 §3.1.2 demands
    # that the query stays.
    _refuse_if(add_params_to_uri(uri, []) != uri, RedirectUriFault.QUERY)


def _check_authority(parts: SplitResult) -> None:
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if authority is None:
        raise _FaultFound(RedirectUriFault.HOST)
    host, port = authority["host"], authority["port"]
    _refuse_if(not _is_host(host), RedirectUriFault.HOST)
    _refuse_if(port is not None and int(port) > _MAX_PORT, RedirectUriFault.HOST)
    is_loopback = host in _LOOPBACK_HOSTS
    _refuse_if(parts.scheme == "http" and not is_loopback, RedirectUriFault.SCHEME)
    _refuse_if(port == _DEFAULT_PORTS[parts.scheme], RedirectUriFault.SPELLING)


def _is_host(host: str) -> bool:
    try:
        return str(IPv4Address(host)) == host
    except ValueError:
        labels = host.split(".")
        # A browser reads a host that ends with a number as an address, in any of its spellings.
        return (
            len(host) <= _MAX_HOST
            and all(map(_LABEL.fullmatch, labels))
            and not labels[-1][0].isdigit()
        )


def _check_path(parts: SplitResult) -> None:
    rest = f"{parts.path}?{parts.query}"
    is_rewritten = _DOT_SEGMENT.search(parts.path) or _NEEDLESS_ESCAPE.search(rest)
    _refuse_if(not parts.path or bool(is_rewritten), RedirectUriFault.SPELLING)
    _refuse_if(bool({"[", "]"} & set(rest)), RedirectUriFault.CHARACTER)
    names = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    _refuse_if(bool(names & _ANSWER_PARAMETERS), RedirectUriFault.PARAMETER)


def _refuse_if(is_faulty: bool, fault: RedirectUriFault) -> None:  # noqa: FBT001 - a condition
    """:raises _FaultFound:"""
    if is_faulty:
        raise _FaultFound(fault)
