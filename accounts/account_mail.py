"""
Mails of the sign-in pages.

A page counts and queues the mail. A worker makes the link and calls the mail server. So a page
takes the same time for unknown addresses, and works without mail server or broker. The queue
holds the id of a person, never an address or a link.
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

# Keeps mailboxes from answering automatically (RFC 3834).
_HEADERS: Final = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


@dataclass(frozen=True, slots=True)
class AccountMailKind:
    """
    A kind of mail.

    :param name: lower case letters and hyphens, for the log
    :param task: name of the Celery task that calls `send_queued`
    :param template: prefix of the template names
    :param rate: mails to one address
    :param make_context: returns the template variables, such as a new link
    """

    name: str
    task: str
    template: str
    rate: Rate
    make_context: Callable[[User], dict[str, object]]


@dataclass(frozen=True, slots=True)
class MailCounter:
    rate: Rate
    key: str


def queue_mail(
    mail: AccountMailKind, *, counter: MailCounter, user_id: UUID | None, at: datetime
) -> None:
    """
    Queue a mail for a worker, unless the counter has reached its limit.

    An address without an account gets a queued message with a random id, so that time and traffic
    do not reveal accounts. Without a broker no mail is sent, and the count is taken back.

    :param counter: counts the address in lower case, or an origin known to its person
    :param user_id: None if the address has no account
    """
    if not rate_limits.add_count(counter.rate, counter.key, at=at).is_within:
        return
    try:
        # Past this time the next mail may be requested, so a late one is dropped.
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
    Send a queued mail; do nothing if no active person has the id.

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
