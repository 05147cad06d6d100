"""Celery entry point of accounts: what has expired goes."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import tokens, usage
from accounts.sessions import SessionStore


@shared_task(name="accounts.forget_expired")  # type: ignore[untyped-decorator]
def forget_expired(**_: object) -> None:
    """Delete expired sessions, tokens and used assertions, and old counts. None works any more."""
    at = timezone.now()
    tokens.forget(at=at)
    usage.forget(at=at)
    SessionStore.clear_expired()
