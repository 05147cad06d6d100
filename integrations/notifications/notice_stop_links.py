"""
Links that stop the mails of one kind for one person, without signing in (RFC 8058).

A link never expires, because a mail can be read years later, and it can only stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts import signed_values

from .notice_kinds import NoticeKindSpec, find_notice_kind

_PURPOSE: Final = "notice stop"
#: Characters; our tokens have about 200.
_MAX_TOKEN_LENGTH: Final = 400


class StopLinkInvalid(Exception):
    """The token is not ours, or its kind no longer exists or cannot be stopped."""


@dataclass(frozen=True, slots=True)
class StopLink:
    kind: NoticeKindSpec
    user_id: UUID
    organisation_id: UUID


def make_stop_url(kind: NoticeKindSpec, *, user_id: UUID, organisation_id: UUID) -> str:
    """Return an empty text for an owed kind."""
    if kind.is_owed:
        return ""
    token = signed_values.sign_value([kind.key, user_id.hex, organisation_id.hex], purpose=_PURPOSE)
    return f"{settings.PUBLIC_URL}{reverse('notice-stop', args=[token])}"


def read_stop_token(token: str) -> StopLink:
    """:raises StopLinkInvalid:"""
    # Before the signature check, which costs time for a long text.
    if len(token) > _MAX_TOKEN_LENGTH:
        raise StopLinkInvalid
    try:
        key, user_id, organisation_id = signed_values.read_signed_value(token, purpose=_PURPOSE)
    except signed_values.InvalidSignedValue:
        raise StopLinkInvalid from None
    kind = find_notice_kind(key)
    if kind is None or kind.is_owed:
        raise StopLinkInvalid
    return StopLink(kind, UUID(user_id), UUID(organisation_id))
