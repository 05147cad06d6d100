"""
Mails of the sign-in pages, sent by a worker.

A page only counts and queues: its time does not reveal accounts, and it needs no mail server or
broker. A queued message holds the id of a person, never an address or a link.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from kombu.exceptions import OperationalError

from accounts import display_times, rate_limit_counters
from accounts.models import User
from accounts.rate_limit_counters import Rate

logger = logging.getLogger(__name__)

# Keeps mailboxes from answering automatically (RFC 3834).
_HEADERS: Final = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


@dataclass(frozen=True, slots=True)
class AccountMailKind:
    """
    :param name: lower case letters and hyphens; shown in the log
    :param task: the Celery task that calls `send_queued`
    :param template: prefix of the template names
    :param rate: limit for one address
    :param make_context: of a person and the time, for the templates
    """

    name: str
    task: str
    template: str
    rate: Rate
    make_context: Callable[[User, datetime], dict[str, object]]


@dataclass(frozen=True, slots=True)
class MailCounter:
    rate: Rate
    key: str


def queue_mail(
    mail: AccountMailKind, *, counter: MailCounter, user_id: UUID | None, at: datetime
) -> None:
    """
    Ask a worker for a mail, unless the counter has reached its limit.

    An unknown address gets a message with a random id, so that time and traffic reveal no
    accounts. Without a broker the count is taken back.

    :param counter: of the lower-case address, or of a key that only its person has
    :param user_id: None for an unknown address
    """
    if not rate_limit_counters.add_rate_limit_count(counter.rate, counter.key, at=at).is_within:
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
        rate_limit_counters.take_back_rate_count(counter.rate, counter.key, at=at)


def send_queued(mail: AccountMailKind, *, user_id: UUID, at: datetime) -> None:
    """
    Send a queued mail, unless the id is unknown or the person is not active.

    If the mail server fails, the count is taken back.
    """
    people = User.objects.active().filter(id=user_id)
    user = people.only("id", "email", "role", "time_zone", "date_format").first()
    if user is None:
        return
    if not settings.MAIL_IS_SENT:
        logger.info("mail.not_sent", extra={"kind": mail.name, "reason": "no_server"})
        return
    try:
        _make_message(mail, user, at).send()
    except OSError:
        logger.exception("mail.not_sent", extra={"kind": mail.name, "reason": "server_failed"})
        rate_limit_counters.take_back_rate_count(mail.rate, user.email, at=at)


def send_to_people(people: Iterable[User], template: str, context: Mapping[str, object]) -> None:
    """
    Send one mail to several people, who do not see each other's addresses; times are in UTC.

    :raises OSError: the mail server failed
    """
    if not settings.MAIL_IS_SENT:
        logger.info("mail.not_sent", extra={"kind": template, "reason": "no_server"})
        return
    subject = render_to_string(f"{template}_subject.txt", dict(context))
    text = render_to_string(f"{template}_message.txt", dict(context))
    addresses = [person.email for person in people]
    EmailMessage(" ".join(subject.split()), text, bcc=addresses, headers=_HEADERS).send()


def _make_message(mail: AccountMailKind, user: User, at: datetime) -> EmailMessage:
    context = mail.make_context(user, at)
    with display_times.show_times_for(user):
        subject = render_to_string(f"{mail.template}_subject.txt", context)
        text = render_to_string(f"{mail.template}_message.txt", context)
    return EmailMessage(" ".join(subject.split()), text, to=[user.email], headers=_HEADERS)
