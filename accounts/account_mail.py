"""
Mails of the sign-in pages that a worker sends.

A page counts and queues, and a worker makes the link and talks to the mail server. So the page
takes the same time whether or not the address has an account, and works while the mail server or
the broker is down. A message in the queue holds the id of a person, never an address or a link.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from kombu.exceptions import OperationalError

from accounts import rate_limits
from accounts.models import User
from accounts.rate_limits import Rate

logger = logging.getLogger(__name__)

# So that no mailbox answers by itself (RFC 3834).
_HEADERS: Final = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


@dataclass(frozen=True, slots=True)
class AccountMailKind:
    """
    A kind of mail.

    :param name: lower case letters and hyphens; the log shows it
    :param task: the name of the Celery task that calls `send_queued` with this kind
    :param template: what the names of its templates begin with
    :param rate: how many are sent to one address
    :param make_context: returns the variables of the templates, such as a new link
    """

    name: str
    task: str
    template: str
    rate: Rate
    make_context: Callable[[User], dict[str, object]]


@dataclass(frozen=True, slots=True)
class MailCounter:
    """A counter of `accounts.rate_limits`: how many, and for whom or what it counts."""

    rate: Rate
    key: str


def queue_mail(
    mail: AccountMailKind, *, counter: MailCounter, user_id: UUID | None, at: datetime
) -> None:
    """
    Ask a worker for a mail, unless the counter has reached its limit.

    A message is also queued for an address without an account, with a random id: time and traffic
    do not tell which addresses have accounts. Without a broker no mail is sent, and the count is
    taken back.

    :param counter: of the address in lower case, or of something that its person alone has
    :param user_id: None if the address has no account
    """
    if not rate_limits.add_count(counter.rate, counter.key, at=at).is_within:
        return
    try:
        # A mail that was not sent before the next one may be requested is late, and not sent.
        current_app.send_task(
            mail.task,
            kwargs={"user_id": str(user_id or uuid4())},
            expires=counter.rate.seconds,
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, OSError):
        logger.exception("mail.not_sent", extra={"kind": mail.name, "reason": "broker_failed"})
        rate_limits.take_back_count(counter.rate, counter.key, at=at)


def send_queued(mail: AccountMailKind, *, user_id: UUID, at: datetime) -> None:
    """
    Send a mail that a page asked for; nothing if the id is unknown or the person is not active.

    If the mail server fails, one count of the address is taken back.
    """
    user = User.objects.active().filter(id=user_id).only("id", "email", "role").first()
    if user is None:
        return
    if not settings.MAIL_IS_SENT:
        logger.info("mail.not_sent", extra={"kind": mail.name, "reason": "no_server"})
        return
    try:
        _make_message(mail, user).send()
    except OSError:
        logger.exception("mail.not_sent", extra={"kind": mail.name, "reason": "server_failed"})
        rate_limits.take_back_count(mail.rate, user.email, at=at)


def _make_message(mail: AccountMailKind, user: User) -> EmailMessage:
    context = mail.make_context(user)
    return EmailMessage(
        " ".join(render_to_string(f"{mail.template}_subject.txt", context).split()),
        render_to_string(f"{mail.template}_message.txt", context),
        to=[user.email],
        headers=_HEADERS,
    )
