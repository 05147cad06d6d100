from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts import (
    account_mail,
    api_tokens,
    authorization_codes,
    client_usage,
    client_volume,
    known_origins,
    rate_limit_counters,
    reset_links,
    sign_in_links,
)
from accounts.sessions import SessionStore


@shared_task(name="accounts.mail_reset_link")  # type: ignore[untyped-decorator]
def mail_reset_link(*, user_id: str, **_: object) -> None:
    account_mail.send_queued(reset_links.MAIL, user_id=UUID(user_id), at=timezone.now())


@shared_task(name="accounts.mail_sign_in_link")  # type: ignore[untyped-decorator]
def mail_sign_in_link(*, user_id: str, **_: object) -> None:
    account_mail.send_queued(sign_in_links.MAIL, user_id=UUID(user_id), at=timezone.now())


@shared_task(name="accounts.forget_expired")  # type: ignore[untyped-decorator]
def forget_expired(**_: object) -> None:
    """Delete expired sessions, codes, tokens, used assertions, counters and known networks."""
    at = timezone.now()
    api_tokens.delete_expired_access_tokens(at=at)
    authorization_codes.delete_expired_codes(at=at)
    client_usage.delete_expired_user_counts(at=at)
    client_volume.delete_expired_hours(at=at)
    rate_limit_counters.delete_expired_rate_counts(at=at)
    known_origins.forget_expired_networks(at=at)
    SessionStore.clear_expired()


@shared_task(name="accounts.compute_usual_volumes")  # type: ignore[untyped-decorator]
def compute_usual_volumes(**_: object) -> None:
    """Store how many requests each service client usually makes in an hour."""
    client_volume.compute_usual_volumes(at=timezone.now())
