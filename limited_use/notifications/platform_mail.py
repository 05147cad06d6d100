"""
The platform's own mail: the one place that sends any, to the address that a person signs in with.

It takes a kind of the closed list and words of ours, never text. So no provider's content can
be in it, and it goes through nobody's mailbox: the server is the platform's (`EMAIL_URL`).
Mail of the sign-in pages is django-allauth's and of `accounts.account_mail`, by the same server.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import User
from limited_use.receipts import receipt_links

from .message_kinds import KINDS, Kind, Word

logger = logging.getLogger(__name__)

# So that no other mailbox answers by itself (RFC 3834).
_HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


class NotOurWords(Exception):
    """The kind is unknown, or was given something else than its words. A bug of the caller."""


def send(
    kind: str, *, user_id: UUID, words: Mapping[str, Word], at: datetime, about: UUID | None = None
) -> bool:
    """
    Send one message to where a person signs in, and return whether the server took it.

    A server that is down, or none at all, is no error: pages say everything that mail says.

    :param kind: a key of `message_kinds.KINDS`
    :param words: exactly what the kind takes; members of enums, times, numbers, yes or no
    :param about: whose receipt it leads to, where it leads to one
    :raises NotOurWords: if it is given anything else
    """
    known = _checked(kind, words, about)
    user = User.objects.active().filter(id=user_id).only("email").first()
    if user is None:
        return False
    if not settings.MAIL_IS_SENT:
        logger.info("mail.not_sent", extra={"kind": kind, "reason": "no_server"})
        return False
    context = {
        **{name: _text(word) for name, word in words.items()},
        "url": settings.PUBLIC_URL + _path(known, about, at),
    }
    message = EmailMessage(
        " ".join(render_to_string(f"notices/{known.template}.subject.txt", context).split()),
        render_to_string(f"notices/{known.template}.txt", context),
        to=[user.email],
        headers=_HEADERS,
    )
    try:
        message.send()
    except OSError:
        logger.exception("mail.not_sent", extra={"kind": kind, "reason": "server_failed"})
        return False
    return True


def _checked(kind: str, words: Mapping[str, object], about: UUID | None) -> Kind:
    known = KINDS.get(kind)
    if known is None:
        raise NotOurWords("unknown kind")
    if known.carries:
        raise NotOurWords(f"{known.key} is not the platform's own mail")
    if words.keys() != known.takes:
        raise NotOurWords(f"{known.key} takes other words")
    for name, word in words.items():
        # A member of an enum may be text as well: it stands in the code, and is ours.
        if not (word is None or isinstance(word, Enum | datetime | int)):
            raise NotOurWords(f"{name} is not one of our words")
    if known.about_receipt is not isinstance(about, UUID):
        raise NotOurWords(f"{known.key} is about a receipt, or is not")
    return known


def _text(word: Word) -> Any:
    return word.value if isinstance(word, Enum) else word


def _path(kind: Kind, about: UUID | None, at: datetime) -> str:
    if about is None:
        return reverse(kind.leads_to)
    return reverse(kind.leads_to, args=[receipt_links.make(subject_id=about, at=at)])
