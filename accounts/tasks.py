"""Celery entry points of accounts, and the functions that queue mails."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts import (
    account_mail,
    client_usage,
    known_origins,
    rate_limits,
    reset_links,
    sign_in_links,
    tokens,
)
from accounts.account_mail import MailCounter
from accounts.sessions import SessionStore


def queue_sign_in_link(address: str, user_id: UUID | None, *, at: datetime) -> None:
    """
    Ask a worker to mail a sign-in link, at most one an hour for an address.

    :param address: in lower case
    :param user_id: None if the address has no account
    """
    counter = MailCounter(sign_in_links.MAIL.rate, address)
    account_mail.queue_mail(
        sign_in_links.MAIL, mail_sign_in_link, counter=counter, user_id=user_id, at=at
    )


def queue_reset_link(counter: MailCounter, user_id: UUID | None, *, at: datetime) -> None:
    """
    Ask a worker to mail a link to set a new password.

    :param counter: limits how many are mailed
    :param user_id: None if the address has no account
    """
    account_mail.queue_mail(
        reset_links.MAIL, mail_reset_link, counter=counter, user_id=user_id, at=at
    )


@shared_task(name="accounts.mail_reset_link")  # type: ignore[untyped-decorator]
def mail_reset_link(*, user_id: str, **_: object) -> None:
    """Mail a link to set a new password; nothing if the id is unknown."""
    account_mail.send_queued(reset_links.MAIL, user_id=UUID(user_id), at=timezone.now())


@shared_task(name="accounts.mail_sign_in_link")  # type: ignore[untyped-decorator]
def mail_sign_in_link(*, user_id: str, **_: object) -> None:
    """Mail a sign-in link; nothing if the id is unknown."""
    account_mail.send_queued(sign_in_links.MAIL, user_id=UUID(user_id), at=timezone.now())


@shared_task(name="accounts.forget_expired")  # type: ignore[untyped-decorator]
def forget_expired(**_: object) -> None:
    """Delete expired sessions, tokens, used assertions, counters and known networks."""
    at = timezone.now()
    tokens.delete_expired(at=at)
    client_usage.delete_expired(at=at)
    rate_limits.delete_expired(at=at)
    known_origins.forget_expired(at=at)
    SessionStore.clear_expired()
