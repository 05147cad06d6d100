"""
Links that let an unknown device try to sign in.

An opened link proves access to the mailbox, and permits a few passwords within a quarter of an
hour. `accounts.rate_limit_counters` records its single use, so links need no table.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts import rate_limit_counters, signed_values
from accounts.account_mail import AccountMailKind
from accounts.keyed_hashes import compute_keyed_hash, compute_keyed_hashes
from accounts.models import User
from accounts.rate_limit_counters import Rate
from accounts.roles import has_staff_role

LINK_LIFETIME: Final = timedelta(hours=6)
PERMIT_LIFETIME: Final = timedelta(minutes=15)
LINK_USE_RATE: Final = Rate("sign-in-link-use", 1, int(LINK_LIFETIME.total_seconds()))

_LINK: Final = "sign-in link"
_ADDRESS: Final = "address of a sign-in link"
_PERMIT: Final = "sign_in_permit"
#: Characters; our tokens have about 170.
_MAX_TOKEN_LENGTH: Final = 300


class SignInLinkInvalid(Exception):
    """The link was used, is too old, or is not ours. A new attempt to sign in sends another."""


def make_sign_in_link(user: User, at: datetime) -> dict[str, object]:
    """Return the mail's variables: a link for both sites, and when it expires."""
    token = signed_values.sign_value(
        [_hash_address(user.email), secrets.token_urlsafe(12)], purpose=_LINK
    )
    path = reverse("account_open_sign_in_link", args=[token])
    return {
        "link": settings.PUBLIC_URL + path,
        "staff_link": settings.STAFF_URL + path if has_staff_role(user) else "",
        "expires_at": at + LINK_LIFETIME,
    }


#: One mail an hour, more often than links expire: during an attack the mailbox always holds a valid
#: one.
MAIL: Final = AccountMailKind(
    "sign-in-link",
    "accounts.mail_sign_in_link",
    "account/email/sign_in_link",
    Rate("sign-in-link-mail", 1, 3600),
    make_sign_in_link,
)


def is_sign_in_link(token: str) -> bool:
    """Return whether the token is ours and not too old; it may have been used."""
    try:
        _read_token(token)
    except SignInLinkInvalid:
        return False
    return True


def use_sign_in_link(request: HttpRequest, token: str, *, at: datetime) -> None:
    """
    Use a link up, and let this browser try to sign in.

    :raises SignInLinkInvalid:
    """
    address_hash, nonce = _read_token(token)
    if not rate_limit_counters.add_rate_limit_count(LINK_USE_RATE, nonce, at=at).is_within:
        raise SignInLinkInvalid
    _store_permit(request, address_hash, nonce, at=at)


def permit_after_reset(request: HttpRequest, address: str, *, at: datetime) -> None:
    _store_permit(request, _hash_address(address), secrets.token_urlsafe(12), at=at)


def find_sign_in_permit(request: HttpRequest, address: str, *, at: datetime) -> str | None:
    """
    Return the id of this browser's permit to try this address.

    :param address: in lower case
    """
    permit = request.session.get(_PERMIT)
    if not permit or permit["until"] <= at.timestamp():
        return None
    address_hashes = [value.hex() for value in compute_keyed_hashes(address, purpose=_ADDRESS)]
    return str(permit["id"]) if permit["address"] in address_hashes else None


def drop_sign_in_permit(request: HttpRequest) -> None:
    request.session.pop(_PERMIT, None)


def _read_token(token: str) -> tuple[str, str]:
    # Before the signature check, which costs time for a long text.
    if len(token) > _MAX_TOKEN_LENGTH:
        raise SignInLinkInvalid
    try:
        address_hash, nonce = signed_values.read_signed_value(
            token, purpose=_LINK, max_age=LINK_LIFETIME
        )
    except signed_values.InvalidSignedValue:
        raise SignInLinkInvalid from None
    return address_hash, nonce


def _store_permit(request: HttpRequest, address_hash: str, permit_id: str, *, at: datetime) -> None:
    until = (at + PERMIT_LIFETIME).timestamp()
    request.session[_PERMIT] = {"id": permit_id, "address": address_hash, "until": until}


def _hash_address(address: str) -> str:
    return compute_keyed_hash(address, purpose=_ADDRESS).hex()
