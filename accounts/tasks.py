"""Celery entry point of accounts: what has expired goes."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import known_origins, rates, tokens, usage
from accounts.sessions import SessionStore


@shared_task(name="accounts.forget_expired")  # type: ignore[untyped-decorator]
def forget_expired(**_: object) -> None:
    """Delete expired sessions, tokens, used assertions, counters and known networks."""
    at = timezone.now()
    tokens.forget(at=at)
    usage.forget(at=at)
    rates.forget(at=at)
    known_origins.forget_expired(at=at)
    SessionStore.clear_expired()
