"""
Sends the platform's own mail, by its own server (`EMAIL_URL`), to the address for signing in.

A message is a kind of the closed list with words of ours, so it carries no provider's content.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import display_times
from accounts.models import User
from limited_use.receipts import receipt_links

from .message_kinds import KINDS, MessageValue, PlatformMessageKind

logger = logging.getLogger(__name__)

# Keeps mailboxes from answering automatically (RFC 3834).
AUTOMATIC_HEADERS: Final = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


class InvalidMessageValues(Exception):
    """The kind is unknown, or the values are not its words: a bug of the caller."""


def send_platform_mail(  # noqa: PLR0913 - what it says, to whom, and how to stop it
    kind: str,
    *,
    user_id: UUID,
    values: Mapping[str, MessageValue],
    at: datetime,
    about: UUID | None = None,
    stop_url: str = "",
) -> bool:
    """
    Return whether the server took the message.

    A missing server is no error: pages say everything that mail says.

    :param kind: a key of `message_kinds.KINDS`
    :param values: exactly those of the kind: members of enums, times, numbers, booleans
    :param about: the subject of the receipt to link
    :param stop_url: URL that stops the kind; exactly for kinds that are not owed
    :raises InvalidMessageValues:
    """
    message_kind = _check_message(kind, values, about, stop_url)
    user = (
        User.objects.active().filter(id=user_id).only("email", "time_zone", "date_format").first()
    )
    if user is None:
        return False
    if not settings.MAIL_IS_SENT:
        logger.info("mail.not_sent", extra={"kind": kind, "reason": "no_server"})
        return False
    context = {
        **{name: _to_template_value(value) for name, value in values.items()},
        "url": settings.PUBLIC_URL + _get_page_path(message_kind, about, at),
        "stop_url": stop_url,
    }
    with display_times.show_times_for(user):
        subject = render_to_string(f"notices/{message_kind.template}.subject.txt", context)
        text = render_to_string(f"notices/{message_kind.template}.txt", context)
    headers = AUTOMATIC_HEADERS | list_stop_headers(stop_url)
    message = EmailMessage(" ".join(subject.split()), text, to=[user.email], headers=headers)
    try:
        message.send()
    except OSError:
        logger.exception("mail.not_sent", extra={"kind": kind, "reason": "server_failed"})
        return False
    return True


def list_stop_headers(stop_url: str) -> dict[str, str]:
    """Return the headers of RFC 8058, by which a mail program offers to stop the messages."""
    if not stop_url:
        return {}
    return {
        "List-Unsubscribe": f"<{stop_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _check_message(
    kind: str, values: Mapping[str, object], about: UUID | None, stop_url: str
) -> PlatformMessageKind:
    message_kind = KINDS.get(kind)
    if message_kind is None:
        raise InvalidMessageValues("unknown kind")
    if message_kind.data_classes:
        raise InvalidMessageValues(f"{message_kind.key} is not the platform's own mail")
    if values.keys() != message_kind.value_names:
        raise InvalidMessageValues(f"{message_kind.key} takes other words")
    for name, value in values.items():
        # An enum member may also be a str: its text is in our code.
        if not (value is None or isinstance(value, Enum | datetime | int)):
            raise InvalidMessageValues(f"{name} is not one of our words")
    if message_kind.links_receipt is not isinstance(about, UUID):
        raise InvalidMessageValues(f"{message_kind.key} is about a receipt, or is not")
    if message_kind.is_owed is bool(stop_url):
        raise InvalidMessageValues(f"{message_kind.key} can be stopped, or cannot")
    return message_kind


def _to_template_value(value: MessageValue) -> Any:
    return value.value if isinstance(value, Enum) else value


def _get_page_path(kind: PlatformMessageKind, about: UUID | None, at: datetime) -> str:
    if about is None:
        return reverse(kind.route_name)
    return reverse(kind.route_name, args=[receipt_links.create_link(subject_id=about, at=at)])
